import { invalid } from '../../api/errors.ts';
import { randomInt } from '../../clock/random.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import type { Operation } from '../../storage/store.ts';
import { registryPrefix } from '../cache/event-feed.ts';
import { child, objectAt, objects, type Raw } from '../raw.ts';
import type { Environment, StrategyContext } from '../resource.ts';

/** One key a port, beside the objects: nobody can ask the API for them. */
const prefix = `${registryPrefix}ranges/nodeports/`;
const keyOf = (port: number): string => prefix + port;
const encoder = new TextEncoder();

export function usesNodePorts(spec: Raw): boolean {
  return spec['type'] === 'NodePort' || (spec['type'] === 'LoadBalancer' && spec['allocateLoadBalancerNodePorts'] !== false);
}

/** Every node port that the service holds, its health check's included. */
export function nodePortsOf(spec: Raw): number[] {
  const ports = objects(spec['ports']).map((port) => port['nodePort']);
  return [...ports, spec['healthCheckNodePort']].filter((port) => typeof port === 'number' && port > 0) as number[];
}

/** Gives every port that needs one a node port, writes it into the service, and says what reserves it. */
export async function allocateNodePorts(service: Raw, old: Raw | undefined, context: StrategyContext): Promise<Operation[]> {
  const spec = child(service, 'spec');
  const held = new Set(nodePortsOf(objectAt(old?.['spec'])));
  const mine = new Set<number>();
  const operations: Operation[] = [];
  const take = (port: number): number => {
    if (!mine.has(port) && !held.has(port)) operations.push(reservation(port, context));
    mine.add(port);
    return port;
  };
  /** TCP and UDP of one service port share a node port. */
  const byPort = new Map<unknown, number>();
  if (usesNodePorts(spec) || spec['type'] === 'LoadBalancer') {
    for (const [i, port] of objects(spec['ports']).entries()) {
      const asked = port['nodePort'];
      if (typeof asked !== 'number') continue;
      if (!held.has(asked) && !mine.has(asked)) await checkPort(asked, `spec.ports[${i}].nodePort`, context);
      take(asked);
      byPort.set(port['port'], asked);
    }
  }
  if (usesNodePorts(spec)) {
    for (const port of objects(spec['ports'])) {
      if (port['nodePort'] !== undefined) continue;
      port['nodePort'] = byPort.get(port['port']) ?? take(await freePort(mine, held, context));
      byPort.set(port['port'], port['nodePort'] as number);
    }
  }
  if (spec['type'] === 'LoadBalancer' && spec['externalTrafficPolicy'] === 'Local') {
    const asked = spec['healthCheckNodePort'];
    if (typeof asked === 'number' && asked > 0) {
      if (!held.has(asked)) await checkPort(asked, 'spec.healthCheckNodePort', context);
      take(asked);
    } else {
      spec['healthCheckNodePort'] = take(await freePort(mine, held, context));
    }
  }
  return operations;
}

/** What the service held and `next` does not. */
export function releaseNodePorts(service: Raw, next: Raw | undefined, _context: StrategyContext): Operation[] {
  const kept = new Set(nodePortsOf(objectAt(next?.['spec'])));
  const gone = new Set(nodePortsOf(objectAt(service['spec'])).filter((port) => !kept.has(port)));
  return [...gone].map((port) => ({ key: keyOf(port), value: undefined }));
}

async function isFree(port: number, { store }: Environment): Promise<boolean> {
  return (await store.get(keyOf(port))).item === undefined;
}

async function checkPort(port: number, field: string, context: StrategyContext): Promise<void> {
  const { from, to } = context.environment.services.nodePorts;
  const refuse = (why: string): Error => invalid({ group: '', kind: 'Service' }, context.key.name, [invalidField(field, port, why)]);
  if (port < from || port > to) throw refuse(`provided port is not in the valid range. The range of valid ports is ${from}-${to}`);
  if (!(await isFree(port, context.environment))) throw refuse('provided port is already allocated');
}

/** At random; the lowest sixteenth (16 to 128 ports) is left to those who ask for one, until the rest is full. */
async function freePort(mine: ReadonlySet<number>, held: ReadonlySet<number>, context: StrategyContext): Promise<number> {
  const { random, services } = context.environment;
  const { from, to } = services.nodePorts;
  const size = to - from + 1;
  const band = size <= 32 ? 0 : Math.max(16, Math.min(128, Math.floor(size / 32)));
  for (const [start, span] of [
    [from + band, size - band],
    [from, band],
  ] as const) {
    const offset = span > 0 ? randomInt(random, span) : 0;
    for (let i = 0; i < span; i++) {
      const port = start + ((offset + i) % span);
      if (!mine.has(port) && !held.has(port) && (await isFree(port, context.environment))) return port;
    }
  }
  throw invalid({ group: '', kind: 'Service' }, context.key.name, [
    { reason: 'InternalError', field: 'spec.ports', message: 'Internal error: failed to allocate a nodePort: range is full' },
  ]);
}

function reservation(port: number, { key }: StrategyContext): Operation {
  const value = { kind: 'NodePortReservation', metadata: { name: String(port) }, service: { namespace: key.namespace, name: key.name } };
  return { key: keyOf(port), value: encoder.encode(JSON.stringify(value)), expect: 0 };
}
