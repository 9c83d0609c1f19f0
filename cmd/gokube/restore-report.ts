import { existsSync, statSync } from 'node:fs';
import { inTheWay, type RestoreClusterOptions, type RestoredCluster, restoreCluster } from '../../pkg/cluster/node/cluster-snapshot.ts';
import { ControlClient } from '../../pkg/cluster/node/control-client.ts';
import { isStoreError } from '../../pkg/storage/store.ts';
import { UserError } from './program.ts';
import type { Terminal } from './terminal.ts';

/** Refuses a place where there is something already. */
export async function checkFree(directory: string, name: string, otherwise: string): Promise<void> {
  if (await ControlClient.connect(directory))
    throw new UserError(`the cluster "${name}" is running (data in ${directory}): nothing is restored over it`, { hint: otherwise });
  if (existsSync(directory) && !statSync(directory).isDirectory()) throw new UserError(`${directory} is a file`, { hint: otherwise });
  const names = inTheWay(directory);
  if (names.length === 0) return;
  const shown = `${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''}`;
  throw new UserError(`there is a cluster "${name}" already, or something else: ${directory} holds ${shown}`, { hint: otherwise });
}

/** Restores with a phase on the terminal, and says what to do next. */
export async function restoreWithProgress(terminal: Terminal, phase: string, options: RestoreClusterOptions): Promise<RestoredCluster> {
  let percent = '';
  const onProgress = (done: number, all: number): void => {
    percent = ` (checked ${Math.floor((100 * done) / all)} %)`;
  };
  const done = terminal.phase(phase, () => percent);
  try {
    const restored = await restoreCluster({ ...options, onProgress });
    done(`cluster "${options.name}" made in ${options.directory}`);
    return restored;
  } catch (error) {
    done(`${phase}: failed`, true);
    throw explainRestore(error, options);
  }
}

export function explainRestore(error: unknown, { file, directory }: { readonly file: string; readonly directory: string }): unknown {
  if (isStoreError(error, 'Damaged'))
    return new UserError(error.message, { hint: 'nothing was restored; take another snapshot', cause: error });
  if (isStoreError(error, 'WrongVersion'))
    return new UserError(error.message, {
      hint: 'nothing was restored; use the GoKube that it was saved with, or a newer one',
      cause: error,
    });
  if (isStoreError(error, 'Compacted'))
    return new UserError(error.message, {
      hint: 'how long the past is kept is said by: gokube up --history 7d --history-size 4GiB',
      cause: error,
    });
  if (isStoreError(error, 'InUse'))
    return new UserError(`${directory} is in use by another process`, { hint: 'wait until it has ended', cause: error });
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      if (!existsSync(file)) return new UserError(`there is no file ${file}`, { cause: error });
      return error;
    case 'EISDIR':
      return new UserError(`${file} is a directory, no snapshot`, { cause: error });
    case 'ENOSPC':
    case 'NoSpace':
      return new UserError(`no space left for ${directory}: nothing was restored`, {
        hint: 'free some, or choose another place',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
      return new UserError(`not allowed: ${(error as Error).message}`, { cause: error });
    default:
      return error;
  }
}

/** What a person does after a restore. */
export function sayNext(terminal: Terminal, restored: RestoredCluster, names: { readonly name: string; readonly dataDir?: string }): void {
  const { revision, goesOnAt, nodes } = restored;
  terminal.line(
    `  it stands at revision ${revision} and goes on after ${goesOnAt}; it makes its own keys and certificates; nodes: ${nodes.join(', ') || 'none'}`,
  );
  const where = names.dataDir === undefined ? '' : ` --data-dir ${names.dataDir}`;
  terminal.line();
  terminal.line('Start it with (another port, if another cluster runs):');
  terminal.line(`  gokube up --name ${names.name}${where} --port 6444`);
}
