import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { adminKubeconfigFile } from '../../../pkg/cluster/node/kubeconfig-context.ts';
import { dataDirectory } from '../cluster-directory.ts';
import { type ClusterFlags, UserError, withClusterFlags } from '../program.ts';

/** `gokube kubeconfig > file`: the cluster's administrator, for other tools and machines. */
export function kubeconfigCommand(): Command {
  return withClusterFlags(new Command('kubeconfig'))
    .description('print a kubeconfig with just this cluster')
    .action((flags: ClusterFlags) => {
      const path = join(dataDirectory(flags), adminKubeconfigFile);
      if (!existsSync(path)) throw new UserError(`there is no cluster "${flags.name}"`, { hint: 'create it with: gokube up --detach' });
      process.stdout.write(readFileSync(path, 'utf8'));
    });
}
