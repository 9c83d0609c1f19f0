import type { Plugin } from '../framework.ts';

/** The queue's order: higher priority first, and among equals who came first. */
export const prioritySort: Plugin = {
  name: 'PrioritySort',
  compare: (a, b) => b.pod.priority - a.pod.priority || a.since - b.since,
};
