/**
 * What a command is to work on: `pods web`, `pods,services`, `pod/web svc/web`, `-l app=web`, `--all`, `-f file`.
 */
import { parseApiVersion } from '../api/object.ts';
import type { CommandContext } from './command.ts';
import { CommandError } from './failure.ts';
import type { Flags } from './flags.ts';
import { type LooseObject, type Manifest, readManifests } from './manifests.ts';
import type { ResourceInfo } from './resource-mapper.ts';

/** One object by name, or (without a name) all of a resource that the selectors let through. */
export interface Target {
  readonly info: ResourceInfo;
  /** Undefined for what has no namespace, and for all namespaces. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** From a file. */
  readonly manifest?: Manifest;
}

/** Are several types asked for? Then names are printed with their type. */
export interface Targets {
  readonly targets: readonly Target[];
  readonly mixed: boolean;
}

export interface TargetOptions {
  /** May types be named without names? */
  readonly lists?: boolean;
  /** Said when nothing is named at all. */
  readonly nothing?: string;
}

export async function targetsOf(
  context: CommandContext,
  args: readonly string[],
  flags: Flags,
  options: TargetOptions = {},
): Promise<Targets> {
  if (flags.has('filename')) {
    if (args.length > 0)
      throw new CommandError('when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well');
    const manifests = await readManifests(context.io, flags);
    const targets: Target[] = [];
    for (const manifest of manifests) targets.push(await targetOfManifest(context, manifest));
    return { targets, mixed: new Set(targets.map(({ info }) => info)).size > 1 };
  }
  if (args.length === 0) throw new CommandError(options.nothing ?? 'You must provide one or more resources by argument or filename.');
  return targetsOfArgs(context, args, flags, options);
}

async function targetsOfArgs(context: CommandContext, args: readonly string[], flags: Flags, options: TargetOptions): Promise<Targets> {
  const everywhere = flags.bool('all-namespaces');
  const selective = flags.has('selector') || flags.has('field-selector') || flags.bool('all');
  const namespaceOf = (info: ResourceInfo): string | undefined => (info.namespaced && !everywhere ? context.namespace : undefined);

  if (args.some((arg) => arg.includes('/'))) {
    const targets: Target[] = [];
    for (const arg of args) {
      const [type, name, ...more] = arg.split('/');
      if (name === undefined) {
        throw new CommandError(
          `there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. '${context.command} resource/<resource_name>' instead of '${context.command} resource resource/<resource_name>'`,
        );
      }
      if (!type || name === '' || more.length > 0) {
        throw new CommandError(`arguments in resource/name form must have a single resource and name: ${JSON.stringify(arg)}`);
      }
      const info = await context.mapper.one(type);
      targets.push({ info, namespace: namespaceOf(info), name });
    }
    if (selective) throw new CommandError('selectors and the all flag cannot be used when passing resource/name arguments');
    if (everywhere && targets.some(({ info }) => info.namespaced)) throw cannotNameEverywhere();
    return { targets, mixed: new Set(targets.map(({ info }) => info)).size > 1 };
  }

  const [types = '', ...names] = args;
  const infos: ResourceInfo[] = [];
  for (const type of types.split(',').filter((text) => text !== '')) infos.push(...(await context.mapper.resolve(type)));
  const mixed = infos.length > 1;
  if (names.length > 0) {
    if (selective)
      throw new CommandError(
        `${flags.bool('all') ? "setting 'all' parameter" : 'name cannot be provided when a selector is specified'}${flags.bool('all') ? ' but found a non empty selector. ' : ''}`,
      );
    if (everywhere && infos.some((info) => info.namespaced)) throw cannotNameEverywhere();
    return { targets: infos.flatMap((info) => names.map((name) => ({ info, namespace: namespaceOf(info), name }))), mixed };
  }
  if (!options.lists && !selective) throw new CommandError('resource(s) were provided, but no name was specified');
  return { targets: infos.map((info) => ({ info, namespace: namespaceOf(info), name: undefined })), mixed };
}

function cannotNameEverywhere(): CommandError {
  return new CommandError('a resource cannot be retrieved by name across all namespaces');
}

/** Throws when the server does not know the kind, or the file and the command line disagree on the namespace. */
export async function targetOfManifest(context: CommandContext, manifest: Manifest): Promise<Target> {
  const { object, source } = manifest;
  const { group, version } = parseApiVersion(object.apiVersion);
  const info = await context.mapper.forKind(group, version, object.kind);
  if (!info) {
    throw new CommandError(
      `resource mapping not found for name: ${JSON.stringify(object.metadata.name ?? '')} namespace: ${JSON.stringify(object.metadata.namespace ?? '')} from ${JSON.stringify(source)}: no matches for kind ${JSON.stringify(object.kind)} in version ${JSON.stringify(object.apiVersion)}\nensure CRDs are installed first`,
    );
  }
  if (!info.namespaced) return { info, namespace: undefined, name: object.metadata.name, manifest };
  const own = object.metadata.namespace;
  if (own && context.namespaceGiven && own !== context.namespace) {
    throw new CommandError(
      `the namespace from the provided object ${JSON.stringify(own)} does not match the namespace ${JSON.stringify(context.namespace)}. You must pass '--namespace=${own}' to perform this operation.`,
    );
  }
  return { info, namespace: own || context.namespace, name: object.metadata.name, manifest };
}

/** The objects behind the targets, asked for now; what is listed comes in the server's order. */
export async function objectsOf(
  context: CommandContext,
  targets: readonly Target[],
  flags: Flags,
): Promise<{ readonly target: Target; readonly object: LooseObject }[]> {
  const found: { target: Target; object: LooseObject }[] = [];
  for (const target of targets) {
    if (target.name !== undefined) {
      found.push({ target, object: (await context.api.get(target.info, target)) as LooseObject });
      continue;
    }
    const query = { labelSelector: flags.optional('selector'), fieldSelector: flags.optional('field-selector') };
    const { items } = await context.api.list(target.info, target.namespace, query);
    for (const object of items) {
      const { name, namespace } = object.metadata;
      found.push({ target: { ...target, name, namespace }, object: object as LooseObject });
    }
  }
  return found;
}
