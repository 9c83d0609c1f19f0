/**
 * The history of one object, as the API server tells it at `/debug/history/<the object's own path>`: every revision
 * that is kept, who wrote it, and what it was because of, followed back as far as the store remembers.
 *
 * A cause is a revision. What happened at it stands once in `causes`, whoever refers to it, so the whole is a graph
 * whose arrows lead to smaller numbers; `chainsOf` reads lines of it.
 */
import type { WriteRecord } from './cause.ts';

export interface ObjectHistory {
  readonly apiVersion: 'gokube.dev/v1';
  readonly kind: 'ObjectHistory';
  readonly object: ObjectName;
  /** The newest revision of the store. */
  readonly revision: number;
  /** The oldest revision that can be read; what was before is forgotten. 0: everything is there. */
  readonly oldestRevision: number;
  /** There are kept revisions before the first of `items`: ask again with `before`. */
  readonly earlier: boolean;
  /** Oldest first. */
  readonly items: readonly PastRevision[];
  /** By revision. One that is missing is not kept any more. */
  readonly causes: Readonly<Record<string, PastWrite>>;
}

export interface ObjectName {
  readonly apiVersion: string;
  readonly kind: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
}

export interface PastRevision {
  readonly revision: number;
  readonly type: 'created' | 'updated' | 'deleted';
  /** Absent for what was written by a program that keeps no records. */
  readonly record?: WriteRecord;
  /** The object as of this revision; absent for a deletion. */
  readonly object?: object;
}

/** One write to the store: its record, and what it changed. */
export interface PastWrite {
  readonly revision: number;
  readonly record?: WriteRecord;
  /** Empty if `hidden`, and for what has no name any more: objects of a custom resource that is gone. */
  readonly objects: readonly (ObjectName & { readonly type: PastRevision['type'] })[];
  /** Whoever asks may not read what was written. */
  readonly hidden?: true;
}

/** One step on the way from a first request; `write` is absent where the revision is not kept any more. */
export interface CauseStep {
  readonly revision: number;
  readonly write: PastWrite | undefined;
}

/**
 * The ways that led to a revision, each from its beginning to the last cause before the revision itself: one for
 * every cause that its record names, newest first. Where a step on the way has several causes of its own, the oldest
 * one is followed, which is nearest to the first request.
 */
export function chainsOf(history: Pick<ObjectHistory, 'causes'>, item: Pick<PastRevision, 'record'>): readonly (readonly CauseStep[])[] {
  const chains = (item.record?.causes ?? []).map((cause) => {
    const steps: CauseStep[] = [];
    for (let revision: number | undefined = cause; revision !== undefined; ) {
      const write: PastWrite | undefined = history.causes[revision];
      steps.unshift({ revision, write });
      // Causes are smaller than what they cause; anything else is no record of ours, and would lead in a circle.
      const earlier: number[] = (write?.record?.causes ?? []).filter((each) => each < (revision as number));
      revision = earlier.length === 0 ? undefined : Math.min(...earlier);
    }
    return steps;
  });
  // A way that is part of another says nothing new.
  const covered = new Set(chains.flatMap((steps) => steps.slice(0, -1).map((step) => step.revision)));
  return chains.filter((steps) => !covered.has((steps.at(-1) as CauseStep).revision));
}
