import { maxScore, type Plugin } from '../framework.ts';

/**
 * Prefers nodes on which CPU and memory would be used in equal shares, so that neither lies idle because the other
 * is gone. The score is 100 less the standard deviation of the shares.
 */
export const nodeResourcesBalancedAllocation: Plugin = {
  name: 'NodeResourcesBalancedAllocation',
  preScore({ requests: wanted }) {
    // A pod that asks for nothing tips no balance.
    if (wanted.milliCpu === 0 && wanted.memory === 0) return undefined;
    return {
      score({ allocatable, requested }) {
        if (allocatable.milliCpu === 0 || allocatable.memory === 0) return maxScore;
        const cpu = Math.min(1, (requested.milliCpu + wanted.milliCpu) / allocatable.milliCpu);
        const memory = Math.min(1, (requested.memory + wanted.memory) / allocatable.memory);
        // Of two numbers, the standard deviation is half their distance.
        return Math.floor((1 - Math.abs(cpu - memory) / 2) * maxScore);
      },
    };
  },
};
