import { sortedJson } from '../../runtime/sorted-json.ts';
import { formatYaml } from '../../runtime/yaml-format.ts';
import type { Command } from '../command.ts';
import { CommandError } from '../failure.ts';

/** The Kubernetes version whose kubectl this one is like. */
const clientVersion = { major: '1', minor: '36', gitVersion: 'v1.36.0+gokube' };

export const version: Command = {
  name: 'version',
  short: 'Show the versions of client and server',
  flags: [
    { name: 'client', kind: 'bool', help: 'The client alone; asks no server.' },
    { name: 'output', short: 'o', kind: 'string', help: 'json or yaml.' },
  ],
  async run(context, { flags }) {
    const server = flags.bool('client') ? undefined : ((await context.api.json('/version')) as { gitVersion: string });
    const both = { clientVersion, ...(server ? { serverVersion: server } : {}) };
    switch (flags.string('output')) {
      case '':
        await context.print(`Client Version: ${clientVersion.gitVersion}`);
        if (server) await context.print(`Server Version: ${server.gitVersion}`);
        return 0;
      case 'json':
        await context.print(sortedJson(both, 2));
        return 0;
      case 'yaml':
        await context.io.stdout(formatYaml(both));
        return 0;
      default:
        throw new CommandError("--output must be 'yaml' or 'json'");
    }
  },
};
