import { probeEmbedded } from '../../cri/embedded/probe.ts';

export type RuntimeChoice = 'auto' | 'embedded' | 'fake';

/**
 * Which runtime to use, and why: `auto` takes the first that works here. Asked for by name, one that cannot work is
 * an Error that says what is missing and what to do about it.
 */
export async function chooseRuntime(wanted: RuntimeChoice): Promise<{ readonly runtime: 'embedded' | 'fake'; readonly why: string }> {
  if (wanted === 'fake') return { runtime: 'fake', why: 'as asked: pods are simulated' };
  const probe = await probeEmbedded();
  if (probe.ok)
    return { runtime: 'embedded', why: wanted === 'auto' ? 'this machine has all it needs: real containers' : 'as asked: real containers' };
  const reasons = probe.reasons.join('; ');
  if (wanted === 'embedded') throw new Error(`real containers cannot run here: ${reasons}`);
  return { runtime: 'fake', why: `pods are simulated, since real containers cannot run here: ${reasons}` };
}
