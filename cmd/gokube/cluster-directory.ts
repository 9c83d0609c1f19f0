import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ControlClient } from '../../pkg/cluster/node/control-client.ts';
import { type ClusterFlags, UserError } from './program.ts';

/** Where a cluster's state lies: `--data-dir`, or `~/.gokube/<cluster>`. */
export function dataDirectory(flags: ClusterFlags): string {
  return flags.dataDir ? resolve(flags.dataDir) : join(homedir(), '.gokube', flags.name);
}

/** A line to the running cluster; throws with what to do when it is not running. */
export async function connectToCluster(flags: ClusterFlags): Promise<ControlClient> {
  const directory = dataDirectory(flags);
  const control = await ControlClient.connect(directory);
  if (control) return control;
  throw new UserError(`the cluster "${flags.name}" is not running`, {
    hint: existsSync(directory) ? 'start it with: gokube up --detach' : 'create it with: gokube up --detach',
    exitCode: 3,
  });
}
