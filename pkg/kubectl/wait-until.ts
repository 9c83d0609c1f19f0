import { ApiError, isExpired, isNotFound } from '../api/errors.ts';
import type { Status } from '../api/generated/meta-v1.ts';
import type { KubeObject } from '../api/object.ts';
import type { CommandContext } from './command.ts';
import type { ResourceInfo } from './resource-mapper.ts';

export interface Watched {
  readonly info: ResourceInfo;
  readonly namespace: string | undefined;
  readonly name: string;
}

export interface WaitOptions {
  /** Given the object, or undefined when it is not there. What it throws ends the wait. */
  readonly done: (object: KubeObject | undefined) => boolean | Promise<boolean>;
  /** Milliseconds; undefined: as long as it takes. */
  readonly timeout?: number | undefined;
}

/** Follows one object until `done` holds of it. False when the time is up. */
export async function waitUntil(context: CommandContext, watched: Watched, { done, timeout }: WaitOptions): Promise<boolean> {
  const { io } = context;
  const late = new AbortController();
  const timer = timeout === undefined ? undefined : io.clock.setTimer(Math.max(0, timeout), () => late.abort(new Error('timeout')));
  const signal = AbortSignal.any([io.signal, late.signal]);
  try {
    for (;;) {
      const object = await current(context, watched);
      if (await done(object)) return true;
      if (signal.aborted) break;
      if (await changed(context, watched, { object, done, signal })) return true;
      if (signal.aborted) break;
    }
  } catch (error) {
    if (!late.signal.aborted || io.signal.aborted) throw error;
  } finally {
    timer?.cancel();
  }
  io.signal.throwIfAborted();
  return false;
}

async function current({ api }: CommandContext, { info, namespace, name }: Watched): Promise<KubeObject | undefined> {
  try {
    return await api.get(info, { namespace, name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** One watch: true when `done` came to hold, false when the watch ended before. */
async function changed(
  { api }: CommandContext,
  { info, namespace, name }: Watched,
  { object, done, signal }: { readonly object: KubeObject | undefined; readonly done: WaitOptions['done']; readonly signal: AbortSignal },
): Promise<boolean> {
  // Of what is not there no revision is known: from 0, the watch begins with what is there by then.
  const resourceVersion = object?.metadata.resourceVersion ?? '0';
  try {
    const events = api.watch(info, namespace, {
      query: { fieldSelector: `metadata.name=${name}`, resourceVersion, allowWatchBookmarks: true },
      signal,
    });
    for await (const event of events) {
      if (event.type === 'ERROR') throw ApiError.fromStatus(event.object as Partial<Status>, 500);
      if (event.type === 'BOOKMARK') continue;
      if (await done(event.type === 'DELETED' ? undefined : (event.object as KubeObject))) return true;
    }
  } catch (error) {
    if (!isExpired(error)) throw error;
  }
  return false;
}
