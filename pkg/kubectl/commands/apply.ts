import { isConflict, isNotFound } from '../../api/errors.ts';
import { parseApiVersion } from '../../api/object.ts';
import { parseSelector } from '../../api/selectors.ts';
import { applyMergePatch } from '../../runtime/merge-patch.ts';
import { builtinSchema, definitionOfKind, type Schema } from '../../runtime/schema.ts';
import { sorted } from '../../runtime/sorted-json.ts';
import { applyStrategicMergePatch } from '../../runtime/strategic-merge-patch.ts';
import type { JsonObject } from '../../runtime/values.ts';
import {
  type Command,
  type CommandContext,
  type DryRun,
  dryRunFlag,
  dryRunOf,
  filenameFlags,
  outputFlag,
  selectorFlag,
} from '../command.ts';
import { CommandError, during } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { lastApplied, lastAppliedAnnotation, withLastApplied } from '../last-applied.ts';
import { type LooseObject, readManifests } from '../manifests.ts';
import { type Target, targetOfManifest } from '../targets.ts';
import { threeWayPatch } from '../three-way-patch.ts';
import { endWith } from './get.ts';
import { resultPrinter, validationFlag, validationOf } from './write-object.ts';

export const apply: Command = {
  name: 'apply',
  short: 'Make objects as files describe them, whether or not they are there',
  usage: '-f FILENAME',
  examples: `
kubectl apply -f examples/08-deployment.yaml
kubectl apply -f manifests/ -R
kubectl apply --server-side -f web.yaml`,
  flags: [
    ...filenameFlags,
    selectorFlag,
    outputFlag,
    dryRunFlag,
    validationFlag,
    {
      name: 'field-manager',
      kind: 'string',
      help: 'Who owns the fields that are written; kubectl-client-side-apply, or kubectl with --server-side.',
    },
    { name: 'server-side', kind: 'bool', help: 'Let the server merge, by field ownership.' },
    { name: 'force-conflicts', kind: 'bool', help: 'With --server-side: take fields over from other managers.' },
    { name: 'overwrite', kind: 'bool', default: true, help: 'Undo what others changed in fields that the file sets.' },
    { name: 'all', kind: 'bool', help: 'Accepted for --prune, which is not offered.' },
  ],
  async run(context, { flags, args }) {
    if (!flags.has('filename')) throw new CommandError('must specify one of -f and -k');
    if (args.length > 0) throw new CommandError(`Unexpected args: [${args.join(' ')}]\nSee 'kubectl apply -h' for help and examples`);
    if (flags.bool('force-conflicts') && !flags.bool('server-side'))
      throw new CommandError('--force-conflicts only works with --server-side');
    const dryRun = dryRunOf(flags);
    if (dryRun === 'client' && flags.bool('server-side'))
      throw new CommandError("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)");
    const selector = parseSelector(flags.string('selector'));
    const print = await resultPrinter(context, flags, dryRun);
    const failures: unknown[] = [];
    for (const manifest of await readManifests(context.io, flags)) {
      if (!selector.matches(manifest.object.metadata.labels)) continue;
      try {
        const target = await targetOfManifest(context, manifest);
        if (!target.name)
          throw new CommandError(
            `from ${manifest.source}: resource name may not be empty: apply cannot work with generateName; use create`,
          );
        const { object, verb } = flags.bool('server-side')
          ? await applyOnServer(context, target, flags, dryRun)
          : await applyHere(context, target, flags, dryRun);
        await print(target.info, object, verb);
      } catch (error) {
        failures.push(error);
        if (context.io.signal.aborted) throw error;
      }
    }
    return endWith(context, failures);
  },
};

interface Applied {
  readonly object: LooseObject;
  readonly verb: 'created' | 'configured' | 'unchanged' | 'serverside-applied';
}

async function applyOnServer(context: CommandContext, target: Target, flags: Flags, dryRun: DryRun): Promise<Applied> {
  const { object, source } = target.manifest as NonNullable<Target['manifest']>;
  const query = {
    fieldManager: flags.optional('field-manager') ?? 'kubectl',
    force: flags.bool('force-conflicts'),
    dryRun: dryRun === 'server' ? 'All' : undefined,
    fieldValidation: validationOf(flags),
  };
  const { managedFields: _owned, ...metadata } = object.metadata;
  try {
    const applied = await context.api.patch(target.info, target, 'apply', sorted({ ...object, metadata }), query);
    return { object: applied as LooseObject, verb: 'serverside-applied' };
  } catch (error) {
    if (isConflict(error)) {
      const hint =
        'Please review the fields above--they currently have other managers. To take them over: --force-conflicts; to leave them alone: remove them from the file.';
      throw new CommandError(`${(error as Error).message}\n${hint}`, { cause: error });
    }
    throw during(error, `error when applying ${JSON.stringify(source)}`);
  }
}

async function applyHere(context: CommandContext, target: Target, flags: Flags, dryRun: DryRun): Promise<Applied> {
  const { info } = target;
  const { object, source } = target.manifest as NonNullable<Target['manifest']>;
  const modified = withLastApplied(withNamespace(object, target));
  const query = {
    fieldManager: flags.optional('field-manager') ?? 'kubectl-client-side-apply',
    dryRun: dryRun === 'server' ? 'All' : undefined,
    fieldValidation: validationOf(flags),
  };
  // Somebody else may write in between: then the difference is another one.
  for (let attempt = 1; ; attempt++) {
    let current: LooseObject;
    try {
      current = (await context.api.get(info, target)) as LooseObject;
    } catch (error) {
      if (!isNotFound(error)) throw during(error, `error when retrieving current configuration of ${JSON.stringify(source)}`);
      if (dryRun === 'client') return { object: modified, verb: 'created' };
      try {
        return { object: (await context.api.create(info, target.namespace, modified, query)) as LooseObject, verb: 'created' };
      } catch (failure) {
        throw during(failure, `error when creating ${JSON.stringify(source)}`);
      }
    }
    const before = lastApplied(current);
    if (!before) {
      await context.warn(
        `Warning: resource ${info.resource}/${target.name} is missing the ${lastAppliedAnnotation} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.`,
      );
    }
    const schema = schemaOf(object);
    const patch = threeWayPatch({ original: before ?? {}, modified: modified as JsonObject, current: current as JsonObject }, schema);
    if (Object.keys(patch).length === 0) return { object: current, verb: 'unchanged' };
    if (dryRun === 'client') {
      const patched = schema ? applyStrategicMergePatch(current, patch, schema) : applyMergePatch(current, patch);
      return { object: patched as LooseObject, verb: 'configured' };
    }
    try {
      const patched = (await context.api.patch(info, target, schema ? 'strategic' : 'merge', patch, query)) as LooseObject;
      return { object: patched, verb: 'configured' };
    } catch (error) {
      if (isConflict(error) && attempt < 5) continue;
      throw during(
        error,
        `error when applying patch:\n${JSON.stringify(patch)}\nto:\nResource: ${JSON.stringify(`${info.group}/${info.version}, Resource=${info.resource}`)}\nName: ${JSON.stringify(target.name)}, Namespace: ${JSON.stringify(target.namespace ?? '')}\nfor: ${JSON.stringify(source)}`,
      );
    }
  }
}

function schemaOf(object: LooseObject): Schema | undefined {
  const { group, version } = parseApiVersion(object.apiVersion);
  const definition = definitionOfKind(group, version, object.kind);
  return definition === undefined ? undefined : builtinSchema(definition);
}

function withNamespace(object: LooseObject, { namespace }: Target): LooseObject {
  return namespace && !object.metadata.namespace ? { ...object, metadata: { ...object.metadata, namespace } } : object;
}
