import type { Taint, Toleration } from '../../api/generated/core-v1.ts';
import { tolerates } from '../../api/tolerations.ts';

/** A NoExecute taint and since when the node has it, in milliseconds since the epoch. */
export interface TimedTaint {
  readonly taint: Taint;
  readonly since: number;
}

/**
 * When a pod must leave its node (milliseconds since the epoch): at once for a taint that it does not tolerate,
 * after `tolerationSeconds` for one that it tolerates for a while; the earliest counts. undefined: it may stay.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
 */
export function evictionTime(taints: readonly TimedTaint[], tolerations: readonly Toleration[] = []): number | undefined {
  let earliest: number | undefined;
  for (const { taint, since } of taints) {
    const toleration = tolerations.find((each) => tolerates(each, taint));
    if (toleration && toleration.tolerationSeconds === undefined) continue;
    // Zero and below: at once.
    const time = since + Math.max(0, toleration?.tolerationSeconds ?? 0) * 1000;
    earliest = earliest === undefined ? time : Math.min(earliest, time);
  }
  return earliest;
}
