import { isConflict } from '../../api/errors.ts';
import { type Command, dryRunFlag, dryRunOf, filenameFlags, outputFlag, selectorFlag } from '../command.ts';
import { CommandError } from '../failure.ts';
import { objectsOf, targetsOf } from '../targets.ts';
import { waitUntil } from '../wait-until.ts';
import { endWith } from './get.ts';
import { resultPrinter } from './write-object.ts';

interface Scale {
  readonly spec: { readonly replicas?: number };
}

export const scale: Command = {
  name: 'scale',
  short: 'Set how many pods a deployment, replica set, replication controller or stateful set has',
  usage: '[--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)',
  examples: 'kubectl scale deployment/web --replicas=5',
  flags: [
    ...filenameFlags,
    selectorFlag,
    outputFlag,
    dryRunFlag,
    { name: 'all', kind: 'bool', help: 'All objects of the types named.' },
    { name: 'replicas', kind: 'int', help: 'How many pods it should have.' },
    { name: 'current-replicas', kind: 'int', default: -1, help: 'Only if it has so many now.' },
    { name: 'timeout', kind: 'duration', default: '0s', help: 'Wait so long for it to have as many; 0: do not wait.' },
  ],
  async run(context, { flags, args }) {
    const replicas = flags.int('replicas');
    if (replicas === undefined) throw new CommandError('required flag(s) "replicas" not set');
    if (replicas < 0) throw new CommandError('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0');
    const expected = flags.int('current-replicas') ?? -1;
    const timeout = flags.duration('timeout');
    const dryRun = dryRunOf(flags);
    const { targets } = await targetsOf(context, args, flags);
    const print = await resultPrinter(context, flags, dryRun);
    const objects = await objectsOf(context, targets, flags);
    if (objects.length === 0) throw new CommandError('no objects passed to scale');
    const failures: unknown[] = [];
    for (const { target, object } of objects) {
      const { info } = target;
      try {
        if (!info.subresources.includes('scale')) {
          throw new CommandError(`cannot scale ${info.resource}: there is no scale subresource of it`);
        }
        const at = { namespace: target.namespace, name: target.name, subresource: 'scale' };
        for (let attempt = 1; ; attempt++) {
          const now = (await context.api.get(info, at)) as unknown as Scale;
          const has = now.spec.replicas ?? 0;
          if (expected >= 0 && has !== expected) throw new CommandError(`Expected replicas to be ${expected}, was ${has}`);
          if (dryRun === 'client') break;
          try {
            await context.api.update(info, at, { ...now, spec: { ...now.spec, replicas } }, dryRun === 'server' ? { dryRun: 'All' } : {});
            break;
          } catch (error) {
            if (!isConflict(error) || attempt >= 10 || expected >= 0) throw error;
          }
        }
        if (timeout && dryRun === 'none') {
          const done = (found: unknown): boolean =>
            ((found as { status?: { replicas?: number } } | undefined)?.status?.replicas ?? 0) === replicas;
          if (!(await waitUntil(context, { info, namespace: target.namespace, name: target.name ?? '' }, { done, timeout }))) {
            throw new CommandError(`timed out waiting for ${JSON.stringify(target.name)} to be synced`);
          }
        }
        await print(info, object, 'scaled');
      } catch (error) {
        failures.push(error);
        if (context.io.signal.aborted) throw error;
      }
    }
    return endWith(context, failures);
  },
};
