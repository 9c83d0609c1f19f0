import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Moment, revisionOf } from '../../../pkg/cluster/node/cluster-snapshot.ts';
import { makeDirectory } from '../../../pkg/storage/lmdb/data-directory.ts';
import type { PastStore } from '../../../pkg/storage/lmdb/snapshot.ts';
import { type ClusterFlags, clusterName, parseDuration, UserError, withClusterFlags } from '../program.ts';
import { checkFree, restoreWithProgress, sayNext } from '../restore-report.ts';
import { Terminal } from '../terminal.ts';
import { explainSave, saveSnapshot } from './snapshot.ts';

interface RewindFlags extends ClusterFlags {
  readonly to: Moment;
  readonly as: string;
  readonly into?: string;
}

export function rewindCommand(): Command {
  return withClusterFlags(new Command('rewind'))
    .description('branch a new cluster from a past revision of one that runs or is stopped, which stays as it is')
    .addOption(
      new Option(
        '--to <moment>',
        'a revision (from gokube history, or any resourceVersion), how long ago (10m), or a time (2026-01-31T12:00:00Z)',
      )
        .makeOptionMandatory()
        .argParser(parseMoment),
    )
    .addOption(new Option('--as <name>', 'name of the new cluster').makeOptionMandatory().argParser(clusterName))
    .option('--into <dir>', 'where its state will lie (default: ~/.gokube/<name>)')
    .action(async (flags: RewindFlags) => {
      if (flags.as === flags.name)
        throw new UserError(`the new cluster cannot be called "${flags.as}" as well`, {
          hint: 'choose another name with --as',
          exitCode: 2,
        });
      const directory = flags.into ? resolve(flags.into) : join(homedir(), '.gokube', flags.as);
      await checkFree(directory, flags.as, 'choose another name with --as, or remove it first with: gokube delete');
      const terminal = new Terminal(process.stderr);
      await makeDirectory(dirname(directory));
      const file = join(dirname(directory), `.rewind-${randomUUID()}`);
      try {
        const done = terminal.phase(`reading cluster "${flags.name}"`);
        try {
          await saveSnapshot(flags, file);
        } catch (error) {
          done(`cluster "${flags.name}" not read`, true);
          throw explainSave(error, file);
        }
        done(`cluster "${flags.name}" read; it is not changed`);
        const to = (store: PastStore): Promise<number> => revisionOf(flags.to, store);
        const options = { file, directory, name: flags.as, now: Date.now(), to };
        const restored = await restoreWithProgress(terminal, `going back`, options);
        sayNext(terminal, restored, { name: flags.as, ...(flags.into ? { dataDir: flags.into } : {}) });
      } finally {
        if (existsSync(file)) await rm(file);
      }
    });
}

function parseMoment(text: string): Moment {
  if (/^@?\d+$/.test(text)) return { revision: Number(text.replace('@', '')) };
  if (/^\d{4}-\d\d-\d\d([T ]|$)/.test(text) && !Number.isNaN(Date.parse(text))) {
    const time = Date.parse(text);
    if (time > Date.now()) throw new InvalidArgumentError('it lies in the future.');
    return { time };
  }
  try {
    return { time: Date.now() - parseDuration(text) };
  } catch {
    throw new InvalidArgumentError('a revision (212), how long ago (10m, 2h), or a time (2026-01-31T12:00:00Z) is wanted.');
  }
}
