import { describeObstacles, probeEmbedded } from '../../cri/embedded/probe.ts';

export type RuntimeChoice = 'auto' | 'embedded' | 'fake';

export interface ChosenRuntime {
  readonly runtime: 'embedded' | 'fake';
  /** For people: why this one. */
  readonly why: string;
  /** One line each: what does not work, and what would enable it. */
  readonly notes: readonly string[];
}

/**
 * Which runtime to use: `auto` takes the first that works here. One that is asked for by name and cannot work is an
 * Error that says what is missing and what to do about it. `directory`: where its state would lie.
 */
export async function chooseRuntime(wanted: RuntimeChoice, directory: string): Promise<ChosenRuntime> {
  if (wanted === 'fake') return { runtime: 'fake', why: 'as asked: pods are simulated', notes: [] };
  const probe = await probeEmbedded({ directory });
  const notes = [...probe.reasons, ...probe.warnings].map((obstacle) => describeObstacles([obstacle]));
  if (probe.ok)
    return {
      runtime: 'embedded',
      why: wanted === 'auto' ? 'this machine has what real containers need' : 'as asked: real containers',
      notes,
    };
  if (wanted === 'embedded') throw new Error(`real containers cannot run here: ${notes.join('; ')}`);
  return { runtime: 'fake', why: 'pods are simulated, since real containers cannot run here', notes };
}
