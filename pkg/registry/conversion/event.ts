/** Events are stored as core/v1 and served as events.k8s.io/v1 too: the same fields under other names. */
import type { Raw } from '../raw.ts';

/** From core/v1 to events.k8s.io/v1. */
const names: Readonly<Record<string, string>> = {
  involvedObject: 'regarding',
  message: 'note',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
  reportingComponent: 'reportingController',
};
const back = Object.fromEntries(Object.entries(names).map(([stored, served]) => [served, stored]));

function renamed(object: Raw, table: Readonly<Record<string, string>>): Raw {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [Object.hasOwn(table, key) ? (table[key] as string) : key, value]),
  );
}

/** What field selectors name, likewise: served to stored. */
export const eventFields: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((name) => [
      `regarding.${name}`,
      `involvedObject.${name}`,
    ]),
  ),
  reportingController: 'reportingComponent',
};

export const eventToServed = (event: Raw): Raw => renamed(event, names);
export const eventToStored = (event: Raw): Raw => renamed(event, back);
