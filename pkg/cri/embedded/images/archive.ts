import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { RuntimeError } from '../../cri.ts';
import { decompress } from './compression.ts';
import { archiveParts } from './confined-path.ts';
import { tarEntries } from './tar-entries.ts';

/** One image of an archive, its digests verified as far as the archive names them. */
export interface ArchivedImage {
  /** `sha256:...` of the configuration: the image's id. */
  readonly id: string;
  readonly config: OciConfig;
  /** Files of the layers, lowest first. */
  readonly layers: readonly string[];
  readonly names: readonly string[];
  /** Digest of the manifest, which docker-archives lack. */
  readonly digest?: string;
}

/** The part of an OCI image configuration (image-spec, config.md) that running needs. */
export interface OciConfig {
  readonly architecture?: string;
  readonly os?: string;
  readonly config?: {
    readonly User?: string;
    readonly Env?: readonly string[] | null;
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly WorkingDir?: string;
    readonly StopSignal?: string;
  } | null;
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

interface Descriptor {
  readonly mediaType?: string;
  readonly digest: string;
  readonly size?: number;
  readonly platform?: { readonly os?: string; readonly architecture?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A file of the archive, put aside under a name of ours. */
interface Member {
  readonly file: string;
  readonly digest: string;
  readonly size: number;
}

const platform = { os: 'linux', architecture: { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch };
const mostMembers = 100_000;

/**
 * Reads an image archive, OCI layout or `docker save`, plain or compressed, into `folder`, and says which images it
 * holds. Throws RuntimeError `InvalidArgument` with the reason when it is none, or not whole, or not honest.
 */
export async function readArchive(source: AsyncIterable<Uint8Array>, folder: string): Promise<readonly ArchivedImage[]> {
  const members = await putAside(source, folder);
  const images = members.has('manifest.json') ? await dockerImages(members) : members.has('index.json') ? await ociImages(members) : [];
  if (images.length === 0)
    throw invalid('there is no image for this machine in it: neither manifest.json (docker save) nor index.json (OCI layout) names one');
  return images;
}

async function putAside(source: AsyncIterable<Uint8Array>, folder: string): Promise<ReadonlyMap<string, Member>> {
  const members = new Map<string, Member>();
  const links = new Map<string, string>();
  let kept = 0;
  try {
    for await (const { header, body } of tarEntries(await decompress(source))) {
      const name = archiveParts(header.name, 'image archive').join('/');
      if (kept + links.size > mostMembers) throw invalid(`more than ${mostMembers} files`);
      if (header.type === 'file' || header.type === 'contiguous-file')
        members.set(name, await keep(body, join(folder, `member-${kept++}`)));
      else if (header.type === 'symlink')
        links.set(name, inside(posix.join('/', posix.dirname(name), header.linkname ?? ''), header.linkname ?? '', name));
      else if (header.type === 'link') links.set(name, archiveParts(header.linkname ?? '', 'image archive').join('/'));
      else if (header.type !== 'directory') throw invalid(`"${header.name}" is neither file nor folder`);
    }
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw invalid(error instanceof Error ? error.message : String(error), error);
  }
  // Older versions of docker save a layer that occurs twice as a link to the first.
  for (const [name, target] of links) {
    const member = members.get(target);
    if (member) members.set(name, member);
  }
  return members;
}

/** A link's target as a name in the archive. `posix.join` has cut `..` at the root: then it led out. */
function inside(resolved: string, target: string, name: string): string {
  const up = target.split('/').filter((part) => part === '..').length;
  if (target.startsWith('/') || up > name.split('/').length - 1) throw invalid(`the link "${name}" leads out of the archive`);
  return resolved.slice(1);
}

async function keep(body: AsyncIterable<Uint8Array>, file: string): Promise<Member> {
  const hash = createHash('sha256');
  let size = 0;
  const measured = async function* (): AsyncIterable<Uint8Array> {
    for await (const chunk of body) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  };
  await writeFile(file, measured(), { flag: 'wx', mode: 0o600 });
  return { file, size, digest: `sha256:${hash.digest('hex')}` };
}

async function dockerImages(members: ReadonlyMap<string, Member>): Promise<ArchivedImage[]> {
  const images: ArchivedImage[] = [];
  for (const entry of asArray(await json(members, 'manifest.json'), 'manifest.json')) {
    const { Config, RepoTags, Layers } = entry as { Config?: unknown; RepoTags?: unknown; Layers?: unknown };
    if (typeof Config !== 'string' || !isTextList(Layers)) throw invalid('manifest.json: an image needs "Config" and "Layers"');
    const member = find(members, Config);
    const named = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(Config)?.[1];
    if (named !== undefined && member.digest !== `sha256:${named}`) throw invalid(`${Config} has the digest ${member.digest}`);
    const config = checkConfig(await json(members, Config), Layers.length);
    for (const layer of Layers) {
      const digest = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(layer)?.[1];
      if (digest !== undefined && find(members, layer).digest !== `sha256:${digest}`)
        throw invalid(`${layer} has the digest ${find(members, layer).digest}`);
    }
    images.push({
      id: member.digest,
      config,
      layers: Layers.map((layer) => find(members, layer).file),
      names: isTextList(RepoTags) ? RepoTags : [],
    });
  }
  return images;
}

async function ociImages(members: ReadonlyMap<string, Member>): Promise<ArchivedImage[]> {
  const images: ArchivedImage[] = [];
  const visit = async (descriptor: Descriptor, names: readonly string[], depth: number): Promise<void> => {
    if (depth > 4) throw invalid('index.json: indexes nested too deeply');
    const { os, architecture } = descriptor.platform ?? {};
    if ((os ?? platform.os) !== platform.os || (architecture ?? platform.architecture) !== platform.architecture) return;
    const document = (await blobJson(members, descriptor)) as { manifests?: unknown; config?: Descriptor; layers?: readonly Descriptor[] };
    if (Array.isArray(document.manifests)) {
      for (const child of document.manifests as Descriptor[]) await visit(child, names.length > 0 ? names : namesOf(child), depth + 1);
      return;
    }
    const { config, layers } = document;
    if (!config || !Array.isArray(layers)) throw invalid(`${descriptor.digest}: an image manifest needs "config" and "layers"`);
    // Attestations and other artifacts lie beside images.
    if (config.mediaType !== undefined && !/image\.config|container\.image/.test(config.mediaType)) return;
    const imageConfig = checkConfig(await blobJson(members, config), layers.length);
    images.push({
      id: config.digest,
      config: imageConfig,
      layers: layers.map((layer: Descriptor) => blob(members, layer).file),
      names,
      digest: descriptor.digest,
    });
  };
  const index = (await json(members, 'index.json')) as { manifests?: unknown };
  for (const descriptor of asArray(index.manifests, 'index.json: "manifests"') as Descriptor[])
    await visit(descriptor, namesOf(descriptor), 0);
  return images;
}

/** The full name if a tool noted it; a bare tag is no name. */
function namesOf({ annotations = {} }: Descriptor): readonly string[] {
  const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'];
  return name !== undefined && /[:/]/.test(name) ? [name] : [];
}

function checkConfig(value: unknown, layers: number): OciConfig {
  const config = value as OciConfig;
  const diffIds = config?.rootfs?.diff_ids;
  if (!isTextList(diffIds) || diffIds.some((id) => !/^sha256:[0-9a-f]{64}$/.test(id)))
    throw invalid('the image configuration lacks "rootfs.diff_ids"');
  if (diffIds.length !== layers) throw invalid(`the image configuration names ${diffIds.length} layers, the manifest ${layers}`);
  const { os = platform.os, architecture = platform.architecture } = config;
  if (os !== platform.os || architecture !== platform.architecture)
    throw invalid(`the image is for ${os}/${architecture}, and this machine is ${platform.os}/${platform.architecture}`);
  return config;
}

function blob(members: ReadonlyMap<string, Member>, { digest, size }: Descriptor): Member {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw invalid(`"${digest}" is no digest`);
  const member = find(members, `blobs/sha256/${digest.slice(7)}`);
  if (member.digest !== digest) throw invalid(`the blob ${digest} has the digest ${member.digest}`);
  if (size !== undefined && member.size !== size) throw invalid(`the blob ${digest} has ${member.size} bytes, not ${size}`);
  return member;
}

async function blobJson(members: ReadonlyMap<string, Member>, descriptor: Descriptor): Promise<unknown> {
  return parse(await readFile(blob(members, descriptor).file, 'utf8'), descriptor.digest);
}
async function json(members: ReadonlyMap<string, Member>, name: string): Promise<unknown> {
  return parse(await readFile(find(members, name).file, 'utf8'), name);
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`${name} is no JSON`, error);
  }
}

function find(members: ReadonlyMap<string, Member>, name: string): Member {
  const member = members.get(archiveParts(name, 'image archive').join('/'));
  if (!member) throw invalid(`"${name}" is missing`);
  return member;
}

function asArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(`${what} is no list`);
  return value;
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function invalid(why: string, cause?: unknown): RuntimeError {
  return new RuntimeError('InvalidArgument', `image archive: ${why}`, { cause });
}
