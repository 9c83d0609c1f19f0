import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { type SavedSnapshot, saveStopped } from '../../../pkg/cluster/node/cluster-snapshot.ts';
import { ControlClient } from '../../../pkg/cluster/node/control-client.ts';
import { isStoreError } from '../../../pkg/storage/store.ts';
import { dataDirectory } from '../cluster-directory.ts';
import { type ClusterFlags, UserError, withClusterFlags } from '../program.ts';
import { checkFree, restoreWithProgress, sayNext } from '../restore-report.ts';
import { Terminal } from '../terminal.ts';

export function snapshotCommand(): Command {
  const command = new Command('snapshot').description(
    'save a cluster, its objects and their history, in one file; make a cluster from such a file',
  );
  withClusterFlags(command.command('save'))
    .description('save a cluster, while it runs or while it is stopped; secrets are in the file, keys and certificates are not')
    .argument('<file>', 'a file that does not exist yet')
    .action(async (file: string, flags: ClusterFlags) => {
      const path = resolve(file);
      const terminal = new Terminal(process.stderr);
      const done = terminal.phase(`saving cluster "${flags.name}"`);
      try {
        const { bytes, revision } = await saveSnapshot(flags, path);
        done(`cluster "${flags.name}" saved in ${path} (revision ${revision}, ${formatBytes(bytes)})`);
      } catch (error) {
        done(`cluster "${flags.name}" not saved`, true);
        throw explainSave(error, path);
      }
    });
  withClusterFlags(command.command('restore'))
    .description('make a cluster from a snapshot, with its history; never over one that is there')
    .argument('<file>', 'what gokube snapshot save has written')
    .action(async (file: string, flags: ClusterFlags) => {
      const directory = dataDirectory(flags);
      await checkFree(directory, flags.name, 'choose another with --name or --data-dir, or remove it first with: gokube delete');
      const terminal = new Terminal(process.stderr);
      const restored = await restoreWithProgress(terminal, `restoring ${file}`, {
        file: resolve(file),
        directory,
        name: flags.name,
        now: Date.now(),
      });
      terminal.line(`  saved of cluster "${restored.origin}" at ${new Date(restored.created).toISOString()}`);
      sayNext(terminal, restored, flags);
    });
  return command;
}

/** By the running cluster's own process, or here while it is stopped. */
export async function saveSnapshot(flags: ClusterFlags, file: string): Promise<SavedSnapshot> {
  const directory = dataDirectory(flags);
  if (existsSync(file)) throw new UserError(`${file} exists already`, { hint: 'choose another name: a snapshot is never written over' });
  if (!existsSync(dirname(file)))
    throw new UserError(`there is no folder ${dirname(file)}`, { hint: `make it with: mkdir -p ${dirname(file)}` });
  const running = await ControlClient.connect(directory);
  if (running) return running.saveSnapshot(file);
  const saved = await saveStopped(directory, file);
  if (saved) return saved;
  if (!existsSync(directory)) throw new UserError(`there is no cluster "${flags.name}" (no ${directory})`, { exitCode: 3 });
  throw new UserError(`the cluster "${flags.name}" is stopped, and keeps no objects in ${directory}`, {
    hint: 'what is in memory is gone with it; over etcd, start it with: gokube up --store etcd:URL --detach',
  });
}

export function explainSave(error: unknown, file: string): unknown {
  if (isStoreError(error, 'Damaged') || isStoreError(error, 'WrongVersion'))
    return new UserError(error.message, { hint: 'nothing was saved', cause: error });
  if (isStoreError(error, 'InUse'))
    return new UserError(error.message, { hint: 'it is just starting or stopping: try again in a moment', cause: error });
  if (isStoreError(error, 'NoSpace') || (error as NodeJS.ErrnoException).code === 'ENOSPC')
    return new UserError(`no space left for ${file}: nothing was written`, { cause: error });
  // The cluster's own process may have met it, and sent its words.
  const reason = error instanceof Error ? /^E[A-Z]+: ([^,]+),/.exec(error.message)?.[1] : undefined;
  if (reason)
    return new UserError(`${file} cannot be written: ${reason}`, { hint: 'nothing was saved; choose another place', cause: error });
  return error;
}

export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 2 ** (10 * step)).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}
