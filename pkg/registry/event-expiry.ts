import { isConflict, isNotFound } from '../api/errors.ts';
import { systemContext } from './bootstrap.ts';
import { filterOf } from './cache/filter.ts';
import { isObject, type Raw, raw } from './raw.ts';
import type { Environment } from './resource.ts';
import { deleteEntry } from './verbs/delete.ts';

/** Events taken away in one go, so that a sweep after a storm does not hold up everybody else. */
const sweepSize = 500;

/** Takes Events away that have not been heard of for `ttl` milliseconds: nobody else deletes them. */
export async function expireEvents(environment: Environment, ttl: number): Promise<number> {
  const events = environment.resource('', 'events');
  await events.cache.ready(false);
  const oldest = environment.clock.now() - ttl;
  const all = events.cache.entries(filterOf({ namespace: '' }, events.declaration, undefined));
  const expired = all.filter(({ object }) => lastHeardOf(raw(object)) < oldest).slice(0, sweepSize);
  for (const { object } of expired) {
    const { namespace = '', name, uid, resourceVersion } = object.metadata;
    const call = { declaration: events.declaration, context: systemContext('delete'), key: { namespace, name } };
    try {
      await deleteEntry(events, call, { preconditions: { uid, resourceVersion } });
    } catch (error) {
      // Another server was faster, or the event has just been heard of again.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
  return expired.length;
}

function lastHeardOf(event: Raw): number {
  const series = isObject(event['series']) ? event['series'] : {};
  const metadata = isObject(event['metadata']) ? event['metadata'] : {};
  const times = [series['lastObservedTime'], event['lastTimestamp'], event['eventTime'], metadata['creationTimestamp']];
  return Math.max(...times.map((time) => (typeof time === 'string' ? Date.parse(time) : 0)).map((ms) => (Number.isNaN(ms) ? 0 : ms)));
}
