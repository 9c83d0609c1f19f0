import { parseApiVersion } from '../../api/object.ts';
import { applyJsonPatch } from '../../runtime/json-patch.ts';
import { applyMergePatch } from '../../runtime/merge-patch.ts';
import { builtinSchema, definitionOfKind } from '../../runtime/schema.ts';
import { applyStrategicMergePatch } from '../../runtime/strategic-merge-patch.ts';
import { type Command, dryRunFlag, dryRunOf, fieldManagerFlag, filenameFlags, outputFlag } from '../command.ts';
import { CommandError } from '../failure.ts';
import { type LooseObject, parseDocuments, readText } from '../manifests.ts';
import { objectsOf, targetsOf } from '../targets.ts';
import { endWith } from './get.ts';
import { resultPrinter } from './write-object.ts';

const types = ['json', 'merge', 'strategic'] as const;
type PatchType = (typeof types)[number];

export const patch: Command = {
  name: 'patch',
  short: 'Change fields of objects',
  usage: '(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]',
  examples: `kubectl patch deployment web -p '{"spec":{"replicas":2}}'`,
  flags: [
    ...filenameFlags,
    outputFlag,
    dryRunFlag,
    fieldManagerFlag('kubectl-patch'),
    { name: 'patch', short: 'p', kind: 'string', help: 'The patch, in JSON or YAML.' },
    { name: 'patch-file', kind: 'string', help: 'A file with the patch.' },
    { name: 'type', kind: 'string', default: 'strategic', help: `The kind of patch: ${types.join(', ')}.` },
    { name: 'subresource', kind: 'string', help: 'Patch this subresource: status or scale.' },
  ],
  async run(context, { flags, args }) {
    const type = flags.string('type').toLowerCase() as PatchType;
    if (!types.includes(type))
      throw new CommandError(`--type must be one of [${types.join(' ')}], not ${JSON.stringify(flags.string('type'))}`);
    if (flags.has('patch') === flags.has('patch-file'))
      throw new CommandError(
        flags.has('patch')
          ? 'cannot specify --patch and --patch-file together'
          : 'must specify --patch or --patch-file containing the contents of the patch',
      );
    const text = flags.has('patch') ? flags.string('patch') : await readText(context.io, flags.string('patch-file'));
    const [body] = parsePatch(text);
    const dryRun = dryRunOf(flags);
    const print = await resultPrinter(context, flags, dryRun);
    const { targets } = await targetsOf(context, args, flags);
    const failures: unknown[] = [];
    for (const { target, object } of await objectsOf(context, targets, flags)) {
      try {
        const query = { fieldManager: flags.string('field-manager'), dryRun: dryRun === 'server' ? 'All' : undefined };
        const at = { ...target, subresource: flags.optional('subresource') };
        const patched = dryRun === 'client' ? patchedHere(object, type, body) : await context.api.patch(target.info, at, type, body, query);
        const unchanged = (patched as LooseObject).metadata.resourceVersion === object.metadata.resourceVersion && dryRun === 'none';
        await print(target.info, patched as LooseObject, unchanged ? 'patched (no change)' : 'patched');
      } catch (error) {
        failures.push(error);
        if (context.io.signal.aborted) throw error;
      }
    }
    return endWith(context, failures);
  },
};

function parsePatch(text: string): unknown[] {
  try {
    return parseDocuments(text);
  } catch (error) {
    throw new CommandError(`unable to parse ${JSON.stringify(text)}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function patchedHere(object: LooseObject, type: PatchType, body: unknown): unknown {
  if (type === 'json') return applyJsonPatch(object, body);
  const { group, version } = parseApiVersion(object.apiVersion);
  const definition = definitionOfKind(group, version, object.kind);
  return type === 'strategic' && definition
    ? applyStrategicMergePatch(object, body, builtinSchema(definition))
    : applyMergePatch(object, body);
}
