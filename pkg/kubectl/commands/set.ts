import type { Container, PodSpec } from '../../api/generated/core-v1.ts';
import { type Command, dryRunFlag, dryRunOf, fieldManagerFlag, filenameFlags, outputFlag, selectorFlag } from '../command.ts';
import { CommandError } from '../failure.ts';
import type { LooseObject } from '../manifests.ts';
import { printedName } from '../resource-mapper.ts';
import { objectsOf, targetsOf } from '../targets.ts';
import { endWith } from './get.ts';
import { resultPrinter } from './write-object.ts';

const commonFlags = [
  ...filenameFlags,
  selectorFlag,
  outputFlag,
  dryRunFlag,
  fieldManagerFlag('kubectl-set'),
  { name: 'all', kind: 'bool', help: 'All objects of the types named.' },
] as const;

/** Where the pod's description is in an object that has one. */
function podSpecOf(object: LooseObject): { readonly spec: PodSpec; readonly wrap: (spec: unknown) => unknown } | undefined {
  const { kind, spec } = object as LooseObject & {
    spec?: { template?: { spec?: PodSpec }; jobTemplate?: { spec: { template: { spec: PodSpec } } } };
  };
  if (kind === 'Pod') return { spec: spec as unknown as PodSpec, wrap: (inner) => ({ spec: inner }) };
  if (spec?.jobTemplate)
    return {
      spec: spec.jobTemplate.spec.template.spec,
      wrap: (inner) => ({ spec: { jobTemplate: { spec: { template: { spec: inner } } } } }),
    };
  if (spec?.template?.spec) return { spec: spec.template.spec, wrap: (inner) => ({ spec: { template: { spec: inner } } }) };
  return undefined;
}

const image: Command = {
  name: 'image',
  short: 'Set the image of containers',
  usage: '(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N',
  examples: 'kubectl set image deployment/web web=gokube/host:2\nkubectl set image deployment/web *=gokube/host:2',
  flags: [...commonFlags],
  async run(context, { flags, args }) {
    const first = args.findIndex((arg) => arg.includes('='));
    if (first < 0) throw new CommandError('at least one image update is required');
    const wanted = args.slice(first).map((arg) => {
      const equals = arg.indexOf('=');
      if (equals <= 0 || equals === arg.length - 1)
        throw new CommandError(`invalid image specification: ${JSON.stringify(arg)}; write container=image`);
      return [arg.slice(0, equals), arg.slice(equals + 1)] as const;
    });
    const dryRun = dryRunOf(flags);
    const print = await resultPrinter(context, flags, dryRun);
    const { targets } = await targetsOf(context, args.slice(0, first), flags, {
      nothing: 'one or more resources must be specified as <resource> <name> or <resource>/<name>',
    });
    const failures: unknown[] = [];
    for (const { target, object } of await objectsOf(context, targets, flags)) {
      try {
        const found = podSpecOf(object);
        if (!found)
          throw new CommandError(`${printedName(target.info, object.metadata.name)}: there is no pod in it whose image could be set`);
        const lists = { initContainers: imagesOf(found.spec.initContainers, wanted), containers: imagesOf(found.spec.containers, wanted) };
        for (const [name] of wanted) {
          if (
            name !== '*' &&
            ![...(found.spec.initContainers ?? []), ...found.spec.containers].some((container) => container.name === name)
          ) {
            throw new CommandError(`unable to find container named ${JSON.stringify(name)}`);
          }
        }
        const changed = Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
        if (Object.keys(changed).length === 0) continue;
        const query = { fieldManager: flags.string('field-manager'), dryRun: dryRun === 'server' ? 'All' : undefined };
        const patched =
          dryRun === 'client' ? object : await context.api.patch(target.info, target, 'strategic', found.wrap(changed), query);
        await print(target.info, patched as LooseObject, 'image updated');
      } catch (error) {
        failures.push(error);
        if (context.io.signal.aborted) throw error;
      }
    }
    return endWith(context, failures);
  },
};

/** Those whose image changes. */
function imagesOf(
  containers: readonly Container[] | undefined,
  wanted: readonly (readonly [string, string])[],
): { name: string; image: string }[] {
  return (containers ?? []).flatMap((container) => {
    const image = wanted.findLast(([name]) => name === '*' || name === container.name)?.[1];
    return image === undefined || image === container.image ? [] : [{ name: container.name, image }];
  });
}

const env: Command = {
  name: 'env',
  short: 'Set environment variables of containers, or show them',
  usage: '(-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [KEY-]',
  flags: [
    ...commonFlags,
    { name: 'containers', short: 'c', kind: 'string', default: '*', help: 'In this container; *: in all.' },
    { name: 'list', kind: 'bool', help: 'Show the variables.' },
  ],
  async run(context, { flags, args }) {
    const first = args.findIndex((arg) => arg.includes('=') || arg.endsWith('-'));
    const changes = first < 0 ? [] : args.slice(first);
    if (changes.length === 0 && !flags.bool('list')) throw new CommandError('at least one environment variable must be provided');
    const dryRun = dryRunOf(flags);
    const print = await resultPrinter(context, flags, dryRun);
    const { targets } = await targetsOf(context, first < 0 ? args : args.slice(0, first), flags);
    const only = flags.string('containers');
    const failures: unknown[] = [];
    for (const { target, object } of await objectsOf(context, targets, flags)) {
      try {
        const found = podSpecOf(object);
        if (!found)
          throw new CommandError(`${printedName(target.info, object.metadata.name)}: there is no pod in it whose environment could be set`);
        const containers = found.spec.containers.filter(({ name }) => only === '*' || name === only);
        if (containers.length === 0)
          throw new CommandError(
            `${printedName(target.info, object.metadata.name)} does not have any containers matching ${JSON.stringify(only)}`,
          );
        if (flags.bool('list')) {
          for (const container of containers) {
            await context.print(`# ${printedName(target.info, object.metadata.name)}, container ${container.name}`);
            for (const variable of container.env ?? [])
              await context.print(variable.valueFrom ? `# ${variable.name} from elsewhere` : `${variable.name}=${variable.value ?? ''}`);
          }
          continue;
        }
        const patch = containers.map(({ name }) => ({
          name,
          env: changes.map((change) => {
            const equals = change.indexOf('=');
            return equals < 0
              ? { name: change.slice(0, -1), $patch: 'delete' }
              : { name: change.slice(0, equals), value: change.slice(equals + 1), valueFrom: null };
          }),
        }));
        const query = { fieldManager: flags.string('field-manager'), dryRun: dryRun === 'server' ? 'All' : undefined };
        const patched =
          dryRun === 'client'
            ? object
            : await context.api.patch(target.info, target, 'strategic', found.wrap({ containers: patch }), query);
        await print(target.info, patched as LooseObject, 'env updated');
      } catch (error) {
        failures.push(error);
        if (context.io.signal.aborted) throw error;
      }
    }
    return endWith(context, failures);
  },
};

export const set: Command = { name: 'set', short: 'Set one thing of objects: image, env', subcommands: [image, env] };
