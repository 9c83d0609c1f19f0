/** When a device was tainted: whoever does not say so did it just now. */
import { formatTime } from '../../clock/clock.ts';
import { objectAt, objects, type Raw } from '../raw.ts';
import type { Strategy } from '../resource.ts';

function date(taint: Raw, now: number): void {
  taint['timeAdded'] ??= formatTime(now);
}

function dateSlice(slice: Raw, now: number): void {
  for (const { taints } of objects(objectAt(slice['spec'])['devices'])) for (const taint of objects(taints)) date(taint, now);
}

export const datedSlice: Strategy = {
  prepareCreate: (slice, { now }) => dateSlice(slice, now),
  prepareUpdate: (slice, _old, { now }) => dateSlice(slice, now),
};

const taintOf = (rule: Raw): Raw => objectAt(objectAt(rule['spec'])['taint']);

/** Another effect is another taint: its time is that of the change. */
export const datedTaintRule: Strategy = {
  prepareCreate: (rule, { now }) => date(taintOf(rule), now),
  prepareUpdate(rule, old, { now }) {
    const [taint, before] = [taintOf(rule), taintOf(old)];
    if (taint['effect'] !== before['effect'] && taint['timeAdded'] === before['timeAdded']) delete taint['timeAdded'];
    date(taint, now);
  },
};
