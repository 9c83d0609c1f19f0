import { InvariantError, isConflict } from '../api/errors.ts';
import type { Environment, Reconciler, Workqueue } from './contract.ts';
import { runTogether } from './run-together.ts';

/** What cannot get better by trying again: the key is dropped until something about it changes. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

/**
 * The loop that every controller is: take a key, reconcile it, forget it or put it back. Runs `workers` of them
 * (default 1) until the signal is aborted; then the queue is shut down and those under way are waited for.
 *
 *  - returned nothing: done, the key's back-off is forgotten; returned `after`: the same, and again after that time;
 *  - threw: logged, and again after the key's back-off, with the same causes; TerminalError: logged and dropped;
 *  - threw InvariantError (a bug): the controller ends with it.
 */
export async function runController(
  reconciler: Reconciler,
  queue: Workqueue,
  env: Environment,
  options: { readonly workers?: number },
  signal: AbortSignal,
): Promise<void> {
  const log = env.log.child({ controller: reconciler.name });
  const client = env.client.as(reconciler.name);

  const worker = async (stop: AbortSignal): Promise<void> => {
    for (let item = await queue.next(); item; item = await queue.next()) {
      const { key, causes } = item;
      try {
        const result = await reconciler.reconcile(key, { client: client.because(causes), causes, signal: stop });
        queue.forget(key);
        if (result) queue.addAfter(key, result.after, causes);
      } catch (error) {
        if (stop.aborted) return;
        if (error instanceof InvariantError) throw error;
        if (error instanceof TerminalError) {
          log.error('giving up', { key, error });
          queue.forget(key);
        } else {
          // Conflicts are the ordinary price of acting on a local copy: the newer object is on its way.
          log[isConflict(error) ? 'debug' : 'warn']('reconcile failed', { key, error, retries: queue.retries(key) });
          queue.addRateLimited(key, causes);
        }
      } finally {
        queue.done(key);
      }
    }
  };

  const onAbort = (): void => queue.shutDown();
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    await runTogether(
      Array.from({ length: options.workers ?? 1 }, () => worker),
      signal,
    );
  } finally {
    signal.removeEventListener('abort', onAbort);
    queue.shutDown();
  }
}
