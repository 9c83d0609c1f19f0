import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import type { OciConfig } from '../images/archive.ts';

/** Image archives for tests, made from a few words; nothing here needs a registry. */
export interface TestFile extends Partial<Omit<Header, 'name'>> {
  readonly name: string;
  readonly content?: string | Uint8Array;
}

export async function tarOf(files: readonly TestFile[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of files) {
    if (content === undefined) archive.entry({ mode: header.type === 'directory' ? 0o755 : 0o644, ...header });
    else archive.entry({ mode: 0o644, ...header }, Buffer.from(content as string));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function digestOf(bytes: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export interface TestImage {
  readonly name?: string;
  /** Plain tar archives, lowest first. */
  readonly layers: readonly Buffer[];
  readonly config?: OciConfig['config'];
  readonly architecture?: string;
  /** How layers are packed in the archive; default: not at all. */
  readonly compress?: (layer: Buffer) => Buffer;
  /** Last changes to what the archive says, for dishonest ones. */
  readonly diffIds?: readonly string[];
}

const machine = process.arch === 'x64' ? 'amd64' : process.arch;

function configOf(image: TestImage): string {
  const diff_ids = image.diffIds ?? image.layers.map(digestOf);
  return JSON.stringify({
    os: 'linux',
    architecture: image.architecture ?? machine,
    config: image.config ?? {},
    rootfs: { type: 'layers', diff_ids },
  });
}

/** OCI image layout, as `skopeo copy … oci-archive:` and buildx write it. */
export async function ociArchive(...images: readonly TestImage[]): Promise<Buffer> {
  const blobs = new Map<string, Uint8Array>();
  const put = (bytes: string | Uint8Array): { digest: string; size: number } => {
    const digest = digestOf(bytes);
    blobs.set(digest, Buffer.from(bytes as string));
    return { digest, size: Buffer.byteLength(bytes as string) };
  };
  const manifests = images.map((image) => {
    const layers = image.layers.map((layer) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      ...put((image.compress ?? ((plain) => plain))(layer)),
    }));
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', ...put(configOf(image)) };
    const annotations = image.name === undefined ? {} : { 'org.opencontainers.image.ref.name': image.name };
    return {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      annotations,
      ...put(JSON.stringify({ schemaVersion: 2, config, layers })),
    };
  });
  return tarOf([
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests }) },
    ...[...blobs].map(([digest, content]) => ({ name: `blobs/sha256/${digest.slice(7)}`, content })),
  ]);
}

/** What `docker save` wrote before it learned the OCI layout. */
export async function dockerArchive(image: TestImage): Promise<Buffer> {
  const config = configOf(image);
  const configName = `${digestOf(config).slice(7)}.json`;
  return tarOf([
    { name: configName, content: config },
    ...image.layers.map((content, at) => ({ name: `${at}/layer.tar`, content })),
    {
      name: 'manifest.json',
      content: JSON.stringify([
        {
          Config: configName,
          RepoTags: image.name === undefined ? null : [image.name],
          Layers: image.layers.map((_, at) => `${at}/layer.tar`),
        },
      ]),
    },
  ]);
}

const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
export const needsBusybox = busybox === undefined ? 'needs busybox-static: apt-get install busybox-static' : undefined;

/** A small Linux: one static binary under the names of its applets, and users. */
export async function busyboxLayer(): Promise<Buffer> {
  const applets = [
    'sh',
    'ls',
    'cat',
    'echo',
    'sleep',
    'id',
    'env',
    'ps',
    'kill',
    'mount',
    'hostname',
    'true',
    'false',
    'stat',
    'touch',
    'mkdir',
    'rm',
  ];
  return tarOf([
    { name: 'bin/', type: 'directory' },
    { name: 'bin/busybox', mode: 0o755, content: readFileSync(busybox as string) },
    ...[
      ...applets,
      'tty',
      'stty',
      'head',
      'dd',
      'seq',
      'mknod',
      'grep',
      'readlink',
      'yes',
      'wc',
      'nc',
      'test',
      'df',
      'ip',
      'wget',
      'ping',
      'chmod',
      'ln',
      'awk',
      'tr',
      'printf',
    ].map((name) => ({ name: `bin/${name}`, type: 'symlink' as const, linkname: 'busybox' })),
    { name: 'etc/', type: 'directory' },
    { name: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1001:Alice:/home/alice:/bin/sh\n' },
    { name: 'etc/group', content: 'root:x:0:\nalice:x:1001:\nvideo:x:44:alice\naudio:x:29:bob,alice\n' },
    { name: 'root/', type: 'directory', mode: 0o700 },
    { name: 'tmp/', type: 'directory', mode: 0o1777 },
  ]);
}

/** `busybox:test` and the like. */
export async function busyboxArchive(name: string, config: TestImage['config'] = { Cmd: ['sh'] }): Promise<Buffer> {
  return ociArchive({ name, layers: [await busyboxLayer()], config, compress: gzipSync });
}
