import { Command } from 'commander';
import { stringify } from 'yaml';
import { gitVersion } from '../../../pkg/apiserver/version.ts';
import { type OutputFormat, outputFlag } from '../output.ts';

export function versionCommand(): Command {
  return new Command('version')
    .description('print the version of GoKube and of the Kubernetes API that it serves')
    .addOption(outputFlag())
    .action(({ output }: { output?: OutputFormat }) => {
      const version = { gokube: gokubeVersion, kubernetes: gitVersion, node: process.version };
      if (output === 'json') process.stdout.write(`${JSON.stringify(version, undefined, 2)}\n`);
      else if (output === 'yaml') process.stdout.write(stringify(version));
      else process.stdout.write(`gokube ${version.gokube} (Kubernetes ${version.kubernetes}, Node.js ${version.node})\n`);
    });
}

export const gokubeVersion = '0.1.0';
