import type { Event } from '../../api/generated/core-v1.ts';
import { allNamespacesFlag, type Command, type CommandContext } from '../command.ts';
import { ageOf } from '../duration.ts';
import { CommandError } from '../failure.ts';
import { formatTable } from '../output/table.ts';

export const events: Command = {
  name: 'events',
  short: 'Show events, the newest last',
  examples: 'kubectl events --for pod/web',
  flags: [
    allNamespacesFlag,
    { name: 'for', kind: 'string', help: 'Only those about this object: TYPE/NAME.' },
    { name: 'types', kind: 'strings', help: 'Only those of these types: Normal, Warning.' },
    { name: 'no-headers', kind: 'bool', help: 'No line with the names of columns.' },
  ],
  async run(context, { flags }) {
    const everywhere = flags.bool('all-namespaces');
    const info = await context.mapper.one('events.v1.');
    const found = (await context.api.list(info, everywhere ? undefined : context.namespace, await about(context, flags.optional('for'))))
      .items as unknown as Event[];
    const types = flags.list('types').map((type) => type.toLowerCase());
    const shown = sortEvents(found.filter(({ type }) => types.length === 0 || types.includes((type ?? '').toLowerCase())));
    if (shown.length === 0) {
      await context.warn(everywhere ? 'No events found.' : `No events found in ${context.namespace} namespace.`);
      return 0;
    }
    const heads = [...(everywhere ? ['NAMESPACE'] : []), 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'];
    const lines = shown.map((event) => [
      ...(everywhere ? [event.metadata.namespace ?? ''] : []),
      lastSeen(event, context.io.clock.now()),
      event.type ?? '',
      event.reason ?? '',
      `${event.involvedObject.kind}/${event.involvedObject.name}`,
      (event.message ?? '').trim(),
    ]);
    await context.io.stdout(formatTable([...(flags.bool('no-headers') ? [] : [heads]), ...lines]));
    return 0;
  },
};

async function about(context: CommandContext, target: string | undefined): Promise<{ fieldSelector?: string }> {
  if (target === undefined) return {};
  const [type = '', name] = target.split('/');
  if (!name) throw new CommandError('--for must be in resource/name form');
  const { kind } = await context.mapper.one(type);
  return { fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${name}` };
}

function timeOf(event: Event): string {
  return event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;
}

/** By when they were seen last; within a second, by when they were written. */
export function sortEvents(events: readonly Event[]): Event[] {
  return [...events].sort(
    (a, b) => Date.parse(timeOf(a)) - Date.parse(timeOf(b)) || Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion),
  );
}

/** `3m (x5 over 10m)`. */
export function lastSeen(event: Event, now: number): string {
  const count = event.series?.count ?? event.count ?? 1;
  const first = event.firstTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;
  return count > 1 ? `${ageOf(timeOf(event), now)} (x${count} over ${ageOf(first, now)})` : ageOf(timeOf(event), now);
}
