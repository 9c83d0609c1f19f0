/** Objects from files, directories and stdin: YAML (several documents) or JSON, lists taken apart. */
import type { KubeObject, Mutable } from '../api/object.ts';
import { concatBytes } from '../client/read-body.ts';
import { parseJson } from '../runtime/json.ts';
import { isObject } from '../runtime/values.ts';
import { parseYamlDocuments } from '../runtime/yaml.ts';
import { CommandError } from './failure.ts';
import type { Flags } from './flags.ts';
import type { KubectlIo } from './io.ts';

export type LooseObject = Mutable<KubeObject> & Record<string, unknown>;

export interface Manifest {
  /** File name, or `STDIN`. */
  readonly source: string;
  readonly object: LooseObject;
}

/** In the order of the flags; within a directory, of names. */
export async function readManifests(io: KubectlIo, flags: Flags): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const name of flags.list('filename')) {
    if (name === '-') manifests.push(...decode(await readStdin(io), 'STDIN'));
    else if (/^https?:\/\//.test(name)) {
      throw new CommandError(`${JSON.stringify(name)}: objects are not fetched from elsewhere; save the file and name it here`);
    } else for (const path of await filesOf(io, name, flags.bool('recursive'))) manifests.push(...decode(await readText(io, path), path));
  }
  if (manifests.length === 0 && flags.has('filename')) throw new CommandError('no objects passed to apply');
  return manifests;
}

async function filesOf(io: KubectlIo, path: string, recursive: boolean): Promise<string[]> {
  const names = await attempt(path, () => io.listDirectory(path));
  if (names === undefined) return [path];
  const files: string[] = [];
  for (const name of [...names].sort()) {
    const inside = `${path.replace(/\/+$/, '')}/${name}`;
    const isDirectory = (await io.listDirectory(inside)) !== undefined;
    if (isDirectory && recursive) files.push(...(await filesOf(io, inside, true)));
    else if (!isDirectory && /\.(json|ya?ml)$/.test(name)) files.push(inside);
  }
  if (files.length === 0 && !recursive) {
    throw new CommandError(`error reading [${path}]: recognized file extensions are [.json .yaml .yml]`);
  }
  return files;
}

export async function readText(io: KubectlIo, path: string): Promise<string> {
  return new TextDecoder().decode(await attempt(path, () => io.readFile(path)));
}

async function attempt<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT')
      throw new CommandError(`the path ${JSON.stringify(path)} does not exist`, { cause: error });
    throw new CommandError(
      `the path ${JSON.stringify(path)} cannot be accessed: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

export async function readStdin(io: KubectlIo): Promise<string> {
  if (!io.stdin) throw new CommandError('there is no standard input here');
  const chunks: Uint8Array[] = [];
  for await (const chunk of io.stdin) chunks.push(chunk);
  return new TextDecoder().decode(concatBytes(chunks));
}

function decode(text: string, source: string): Manifest[] {
  try {
    return parseDocuments(text).flatMap((value) => unpack(value, source));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(`error parsing ${source}: error converting YAML to JSON: ${why}`, { cause: error });
  }
}

/** Values of all documents, JSON or YAML. */
export function parseDocuments(text: string): unknown[] {
  if (/^\s*[{[]/.test(text)) {
    try {
      return [parseJson(text).value];
    } catch {
      // YAML's flow style begins the same way.
    }
  }
  return parseYamlDocuments(text).map(({ value }) => value);
}

function unpack(value: unknown, source: string): Manifest[] {
  if (!isObject(value)) throw new CommandError(`error parsing ${source}: an object is expected, not ${JSON.stringify(value)}`);
  const { apiVersion, kind } = value;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(value['items'])) {
    const inner = kind === 'List' ? undefined : { apiVersion, kind: kind.slice(0, -4) };
    return value['items'].flatMap((item: unknown) => unpack(isObject(item) && inner ? { ...inner, ...item } : item, source));
  }
  const missing = [
    ...(typeof apiVersion === 'string' && apiVersion !== '' ? [] : ['apiVersion not set']),
    ...(typeof kind === 'string' && kind !== '' ? [] : ['kind not set']),
  ];
  if (missing.length > 0) {
    throw new CommandError(
      `error validating ${JSON.stringify(source)}: error validating data: ${missing.length > 1 ? `[${missing.join(', ')}]` : missing[0]}; if you choose to ignore these errors, turn validation off with --validate=false`,
    );
  }
  const metadata = isObject(value['metadata']) ? value['metadata'] : {};
  return [{ source, object: { ...value, metadata } as unknown as LooseObject }];
}
