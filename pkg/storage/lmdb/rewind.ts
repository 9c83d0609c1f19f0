/**
 * Takes a store's newest revisions back, offline: afterwards it stands at `to` as it did then, with the history before
 * that, and goes on from `until`. What was written later is taken out of the log; the keys that it touched get the
 * version before it again. A crash in between leaves a store that must not be opened: the caller marks it so.
 */
import { futureError } from '../commit-check.ts';
import { Changes, type Environment } from './environment.ts';
import { decodeLogHeader, encodeIndexEntry, firstRef, isDeletion, type LogHeader, type Meta, maxRefs, type VersionRef } from './layout.ts';
import { Versions } from './versions.ts';

/** Log entries in one transaction. */
const step = 2_000;

export async function rewindStore(environment: Environment, to: number, until: number): Promise<void> {
  const meta = environment.meta() as Meta;
  if (to > meta.revision) throw futureError(to, meta.revision);
  new Versions(environment, meta).check(to);
  const first = firstRef(to + 1);
  /** Of each key that was written later: its version at `to`. */
  const standing = new Map<string, VersionRef>();
  for (let from = first; ; ) {
    const entries = environment.log.list(from, firstRef(meta.revision + 1), step, decodeLogHeader);
    for (const { key, previous } of entries) if (!standing.has(key)) standing.set(key, previous < first ? previous : 0);
    const last = entries.at(-1);
    if (!last || entries.length < step) break;
    from = last.ref + 1;
  }
  await inSteps([...standing], async (keys) => {
    const changes = new Changes();
    for (const [key, ref] of keys) putBack(environment, changes, key, ref);
    await environment.write(changes, meta);
  });
  for (;;) {
    const entries = environment.log.list(first, firstRef(meta.revision + 1), step, decodeLogHeader);
    if (entries.length === 0) break;
    const changes = new Changes();
    for (const { ref } of entries) changes.log.push([ref, null]);
    await environment.write(changes, meta);
  }
  const gaps = (meta.gaps ?? []).filter((gap) => gap.until <= to);
  if (until > to) gaps.push({ after: to, until });
  await environment.write(new Changes(), { ...meta, revision: Math.max(to, until), indexed: Math.min(meta.indexed, to), gaps });
}

/** The key's index entry as it was when its newest version was `newest`. */
function putBack(environment: Environment, changes: Changes, key: string, newest: VersionRef): void {
  const header = headerOf(environment, newest);
  if (!header) {
    changes.index.push([key, null]);
    changes.deleted.push([key, null]);
    return;
  }
  const refs: VersionRef[] = [];
  for (let at: LogHeader | undefined = header; at && refs.length < maxRefs; at = headerOf(environment, at.previous)) refs.push(at.ref);
  const { version, createRevision } = header;
  changes.index.push([key, encodeIndexEntry({ refs, version, createRevision })]);
  changes.deleted.push([key, isDeletion(newest) ? Buffer.from([1]) : null]);
}

/** undefined: there was none, or it is compacted. */
function headerOf(environment: Environment, ref: VersionRef): LogHeader | undefined {
  return ref === 0 ? undefined : environment.log.get(ref, decodeLogHeader);
}

async function inSteps<T>(items: readonly T[], work: (part: readonly T[]) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += step) await work(items.slice(at, at + step));
}
