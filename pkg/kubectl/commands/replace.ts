import { isNotFound } from '../../api/errors.ts';
import { type Command, dryRunFlag, dryRunOf, fieldManagerFlag, filenameFlags, outputFlag } from '../command.ts';
import { CommandError, during } from '../failure.ts';
import { type LooseObject, readManifests } from '../manifests.ts';
import { targetOfManifest } from '../targets.ts';
import { untilGone } from './delete.ts';
import { endWith } from './get.ts';
import { resultPrinter, validationFlag, validationOf } from './write-object.ts';

export const replace: Command = {
  name: 'replace',
  short: 'Put objects from files in the place of those that are there',
  usage: '-f FILENAME',
  flags: [
    ...filenameFlags,
    outputFlag,
    dryRunFlag,
    validationFlag,
    fieldManagerFlag('kubectl-replace'),
    { name: 'force', kind: 'bool', help: 'Delete what is there and make it anew.' },
  ],
  async run(context, { flags }) {
    if (!flags.has('filename')) throw new CommandError('must specify --filename to replace');
    const dryRun = dryRunOf(flags);
    const print = await resultPrinter(context, flags, dryRun);
    const failures: unknown[] = [];
    for (const manifest of await readManifests(context.io, flags)) {
      try {
        const target = await targetOfManifest(context, manifest);
        const { info, namespace } = target;
        const query = {
          fieldManager: flags.string('field-manager'),
          fieldValidation: validationOf(flags),
          dryRun: dryRun === 'server' ? 'All' : undefined,
        };
        if (flags.bool('force') && dryRun === 'none') {
          try {
            await context.api.delete(info, target, {
              apiVersion: 'v1',
              kind: 'DeleteOptions',
              gracePeriodSeconds: 0,
              propagationPolicy: 'Background',
            });
            await untilGone(context, target, { uid: undefined, timeout: undefined });
          } catch (error) {
            if (!isNotFound(error)) throw error;
          }
          await print(info, (await context.api.create(info, namespace, manifest.object, query)) as LooseObject, 'replaced');
          continue;
        }
        const object = namespace ? { ...manifest.object, metadata: { ...manifest.object.metadata, namespace } } : manifest.object;
        await print(
          info,
          dryRun === 'client' ? object : ((await context.api.update(info, target, object, query)) as LooseObject),
          'replaced',
        );
      } catch (error) {
        failures.push(during(error, `error when replacing ${JSON.stringify(manifest.source)}`));
        if (context.io.signal.aborted) throw error;
      }
    }
    return endWith(context, failures);
  },
};
