/**
 * Calls `task` `count` times in batches of 1, 2, 4, …, and stops after the first batch with a failure: a request that
 * cannot succeed (a quota, a missing ServiceAccount) is made once and not 500 times. Returns how many succeeded;
 * `failure` is the first error, undefined when all went well.
 */
export async function slowStart(
  count: number,
  task: (index: number) => Promise<unknown>,
): Promise<{ readonly successes: number; readonly failure: unknown }> {
  let successes = 0;
  let started = 0;
  for (let batch = Math.min(count, 1); batch > 0; batch = Math.min(2 * batch, count - started)) {
    const from = started;
    const results = await Promise.allSettled(Array.from({ length: batch }, (_, i) => task(from + i)));
    started += batch;
    successes += results.filter(({ status }) => status === 'fulfilled').length;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) return { successes, failure: failed.reason };
  }
  return { successes, failure: undefined };
}
