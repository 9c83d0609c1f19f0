/** Every command, in the order of the overview: first what a learner meets first. */
import type { Command } from './command.ts';
import { apiResources, apiVersions } from './commands/api-resources.ts';
import { apply } from './commands/apply.ts';
import { attach } from './commands/attach.ts';
import { clusterInfo } from './commands/cluster-info.ts';
import { cordon, uncordon } from './commands/cordon.ts';
import { create } from './commands/create.ts';
import { deleteCommand } from './commands/delete.ts';
import { describe } from './commands/describe.ts';
import { drain } from './commands/drain.ts';
import { events } from './commands/events.ts';
import { exec } from './commands/exec.ts';
import { explain } from './commands/explain.ts';
import { expose } from './commands/expose.ts';
import { get } from './commands/get.ts';
import { annotate, label } from './commands/label.ts';
import { logs } from './commands/logs.ts';
import { patch } from './commands/patch.ts';
import { replace } from './commands/replace.ts';
import { rollout } from './commands/rollout.ts';
import { run } from './commands/run.ts';
import { scale } from './commands/scale.ts';
import { set } from './commands/set.ts';
import { taint } from './commands/taint.ts';
import { top } from './commands/top.ts';
import { version } from './commands/version.ts';
import { wait } from './commands/wait.ts';

export const commands: readonly Command[] = [
  create,
  expose,
  run,
  set,
  explain,
  get,
  deleteCommand,
  rollout,
  scale,
  clusterInfo,
  top,
  cordon,
  uncordon,
  drain,
  taint,
  describe,
  logs,
  attach,
  exec,
  events,
  apply,
  patch,
  replace,
  wait,
  label,
  annotate,
  apiResources,
  apiVersions,
  version,
];
