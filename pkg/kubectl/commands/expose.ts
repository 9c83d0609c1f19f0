import type { LabelSelector } from '../../api/generated/meta-v1.ts';
import { type Command, dryRunFlag, fieldManagerFlag, filenameFlags, outputFlag } from '../command.ts';
import { CommandError } from '../failure.ts';
import type { LooseObject } from '../manifests.ts';
import type { ResourceInfo } from '../resource-mapper.ts';
import { objectsOf, targetsOf } from '../targets.ts';
import { createBuilt, parsePairs } from './create-one.ts';

interface Workload {
  readonly spec?: {
    readonly selector?: LabelSelector | Record<string, string>;
    readonly ports?: readonly {
      readonly name?: string;
      readonly port: number;
      readonly protocol?: string;
      readonly targetPort?: number | string;
    }[];
    readonly containers?: readonly { readonly ports?: readonly { readonly containerPort: number; readonly protocol?: string }[] }[];
    readonly template?: { readonly spec?: Workload['spec'] };
  };
}

export const expose: Command = {
  name: 'expose',
  short: 'Make a service for pods, a deployment, a replica set or another service',
  usage: '(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--type=type]',
  examples: 'kubectl expose deployment web --port=80 --target-port=8080 --type=NodePort',
  flags: [
    ...filenameFlags,
    outputFlag,
    dryRunFlag,
    fieldManagerFlag('kubectl-expose'),
    { name: 'port', kind: 'strings', help: 'The port of the service; that of the container if it is not given.' },
    { name: 'target-port', kind: 'string', help: 'The port of the pods; the same if it is not given.' },
    { name: 'protocol', kind: 'string', help: 'TCP, UDP or SCTP.' },
    { name: 'name', kind: 'string', help: 'The name of the service; that of the object if it is not given.' },
    { name: 'type', kind: 'string', help: 'ClusterIP, NodePort, LoadBalancer or ExternalName.' },
    { name: 'selector', kind: 'string', help: 'Labels of the pods, if not those that the object selects.' },
    { name: 'labels', short: 'l', kind: 'string', help: 'Labels of the service.' },
    { name: 'cluster-ip', kind: 'string', help: 'The address to have; None for a headless service.' },
    { name: 'session-affinity', kind: 'string', help: 'None or ClientIP.' },
    { name: 'external-ip', kind: 'string', help: 'Another address at which nodes accept its traffic.' },
  ],
  async run(context, input) {
    const { flags, args } = input;
    const { targets } = await targetsOf(context, args, flags, {
      nothing: "You must provide one or more resources by argument or filename.\nSee 'kubectl expose -h' for help and examples",
    });
    for (const { target, object } of await objectsOf(context, targets, flags)) {
      const service = serviceFor(target.info, object, (name) => flags.optional(name), flags.list('port'));
      await createBuilt(context, input, service, 'exposed');
    }
    return 0;
  },
};

function serviceFor(
  info: ResourceInfo,
  object: LooseObject,
  flag: (name: string) => string | undefined,
  asked: readonly string[],
): LooseObject {
  const given = flag('selector');
  const selector = given === undefined ? selectorOf(info, object) : parsePairs(given, 'selector');
  const known = portsOf(object);
  const wanted = asked.length > 0 ? asked.map((text) => ({ port: portNumber(text) })) : known;
  const headless = flag('cluster-ip') === 'None';
  if (wanted.length === 0 && !headless)
    throw new CommandError("couldn't find port via --port flag or introspection\nSee 'kubectl expose -h' for help and examples");
  const target = flag('target-port');
  const ports = wanted.map((port, i) => ({
    ...(wanted.length > 1 ? { name: `port-${i + 1}` } : {}),
    port: port.port,
    protocol: flag('protocol')?.toUpperCase() ?? known.find((each) => each.port === port.port)?.protocol ?? 'TCP',
    targetPort: target === undefined ? port.port : /^\d+$/.test(target) ? Number(target) : target,
  }));
  const labels = flag('labels');
  const type = flag('type');
  const affinity = flag('session-affinity');
  const clusterIP = flag('cluster-ip');
  const externalIP = flag('external-ip');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: (flag('name') ?? object.metadata.name).slice(0, 63),
      ...(labels ? { labels: parsePairs(labels, 'label') } : object.metadata.labels ? { labels: object.metadata.labels } : {}),
    },
    spec: {
      ...(ports.length > 0 ? { ports } : {}),
      selector,
      ...(type ? { type } : {}),
      ...(affinity ? { sessionAffinity: affinity } : {}),
      ...(clusterIP ? { clusterIP } : {}),
      ...(externalIP ? { externalIPs: [externalIP] } : {}),
    },
  } as unknown as LooseObject;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new CommandError(`invalid port ${JSON.stringify(text)}: it must be between 1 and 65535`);
  return port;
}

/** What the object selects, or (a pod) its own labels. */
function selectorOf(info: ResourceInfo, object: LooseObject): Record<string, string> {
  const { spec } = object as unknown as Workload;
  if (info.kind === 'Pod') {
    if (Object.keys(object.metadata.labels ?? {}).length === 0)
      throw new CommandError(
        "couldn't retrieve selectors via --selector flag or introspection: the pod has no labels and cannot be exposed",
      );
    return object.metadata.labels ?? {};
  }
  if (info.kind === 'Service' || info.kind === 'ReplicationController') {
    if (!spec?.selector)
      throw new CommandError(
        `couldn't retrieve selectors via --selector flag or introspection: ${info.resource}/${object.metadata.name} has no selector`,
      );
    return spec.selector as Record<string, string>;
  }
  if (info.kind !== 'Deployment' && info.kind !== 'ReplicaSet')
    throw new CommandError(`cannot expose a ${info.kind}${info.group ? `.${info.group}` : ''}`);
  const selector = spec?.selector as LabelSelector | undefined;
  if (selector?.matchExpressions?.length)
    throw new CommandError("couldn't convert expressions - a service selects by equality alone; give --selector");
  if (!selector?.matchLabels) throw new CommandError('the object selects nothing');
  return { ...selector.matchLabels };
}

/** Each port and protocol once, however many containers name it. */
function portsOf(object: LooseObject): { readonly port: number; readonly protocol: string }[] {
  const { spec } = object as unknown as Workload;
  const containers = spec?.containers ?? spec?.template?.spec?.containers ?? [];
  const all =
    spec?.ports?.map(({ port, protocol = 'TCP' }) => ({ port, protocol })) ??
    containers.flatMap(({ ports = [] }) => ports.map(({ containerPort, protocol = 'TCP' }) => ({ port: containerPort, protocol })));
  return [...new Map(all.map((port) => [`${port.port}/${port.protocol}`, port])).values()];
}
