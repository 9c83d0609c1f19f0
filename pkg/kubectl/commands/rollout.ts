import type { Command } from '../command.ts';
import { rolloutPause, rolloutRestart, rolloutResume } from './rollout-change.ts';
import { rolloutHistory } from './rollout-history.ts';
import { rolloutStatus } from './rollout-status.ts';
import { rolloutUndo } from './rollout-undo.ts';

export const rollout: Command = {
  name: 'rollout',
  short: 'Follow, hold, repeat or take back a change of a deployment',
  subcommands: [rolloutHistory, rolloutPause, rolloutRestart, rolloutResume, rolloutStatus, rolloutUndo],
};
