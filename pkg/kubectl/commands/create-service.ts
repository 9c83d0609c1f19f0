import type { Command, CommandContext, CommandInput } from '../command.ts';
import { CommandError } from '../failure.ts';
import type { FlagSpec } from '../flags.ts';
import { createOne } from './create-one.ts';

const tcpFlag: FlagSpec = { name: 'tcp', kind: 'strings', help: 'Ports: 80, or 80:8080 for a target port of its own.' };

type Built = { apiVersion: string; kind: string } & Record<string, unknown>;

function serviceOf(name: string, type: string, { flags }: CommandInput, extra: Record<string, unknown> = {}): Built {
  const ports = flags.list('tcp').map((text) => portOf(text, flags.int('node-port')));
  const headless = flags.string('clusterip') === 'None';
  if (ports.length === 0 && !headless && type !== 'ExternalName')
    throw new CommandError('at least one tcp port specifier must be provided');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels: { app: name } },
    spec: {
      type,
      selector: { app: name },
      ...(ports.length > 0 ? { ports } : {}),
      ...(flags.has('clusterip') ? { clusterIP: flags.string('clusterip') } : {}),
      ...extra,
    },
    status: { loadBalancer: {} },
  };
}

function portOf(text: string, nodePort: number | undefined): Record<string, unknown> {
  const [first = '', second = first, ...more] = text.split(':');
  const port = Number(first);
  if (!Number.isInteger(port) || port < 1 || port > 65535 || more.length > 0)
    throw new CommandError(`invalid port specification ${JSON.stringify(text)}: write port or port:targetPort`);
  return {
    name: text.replace(':', '-'),
    port,
    protocol: 'TCP',
    targetPort: /^\d+$/.test(second) ? Number(second) : second,
    ...(nodePort ? { nodePort } : {}),
  };
}

const kind = (name: string, type: string, flags: readonly FlagSpec[], short: string): Command =>
  createOne({
    name,
    short,
    usage: 'NAME [--tcp=<port>:<targetPort>]',
    flags: [tcpFlag, ...flags],
    build: async (_context: CommandContext, service: string, input: CommandInput) => serviceOf(service, type, input),
  });

export const createService: Command = {
  name: 'service',
  aliases: ['svc'],
  short: 'Make a service',
  subcommands: [
    kind(
      'clusterip',
      'ClusterIP',
      [{ name: 'clusterip', kind: 'string', help: 'The address to have; None for a headless service.' }],
      'Make a service with a cluster IP',
    ),
    kind(
      'nodeport',
      'NodePort',
      [{ name: 'node-port', kind: 'int', help: 'The port to have on every node.' }],
      'Make a service with a port on every node',
    ),
    kind('loadbalancer', 'LoadBalancer', [], 'Make a service with a load balancer'),
    createOne({
      name: 'externalname',
      short: 'Make a service that is another name for something outside',
      usage: 'NAME --external-name external.name [--tcp=<port>:<targetPort>]',
      requires: ['external-name'],
      flags: [tcpFlag, { name: 'external-name', kind: 'string', help: 'The name outside.' }],
      async build(_context, name, input) {
        return serviceOf(name, 'ExternalName', input, { externalName: input.flags.string('external-name') });
      },
    }),
  ],
};
