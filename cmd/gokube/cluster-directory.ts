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
    hint: `${existsSync(directory) ? 'start' : 'create'} it with: gokube up${flagsOf(flags)} --detach`,
    exitCode: 3,
  });
}

/** The flags that name this cluster, where it is not the default one. */
export function flagsOf(flags: ClusterFlags): string {
  return `${flags.name === 'default' ? '' : ` --name ${flags.name}`}${flags.dataDir === undefined ? '' : ` --data-dir ${flags.dataDir}`}`;
}
