/** The `gokube` command: one line a subcommand; each is a file in `commands/`. */

import { completionCommand } from './commands/completion.ts';
import { deleteCommand } from './commands/delete.ts';
import { downCommand } from './commands/down.ts';
import { historyCommand } from './commands/history.ts';
import { imageCommand } from './commands/image.ts';
import { kubeconfigCommand } from './commands/kubeconfig.ts';
import { kubectlCommand } from './commands/kubectl.ts';
import { nodeCommand } from './commands/node.ts';
import { rewindCommand } from './commands/rewind.ts';
import { snapshotCommand } from './commands/snapshot.ts';
import { statusCommand } from './commands/status.ts';
import { upCommand } from './commands/up.ts';
import { versionCommand } from './commands/version.ts';
import { createProgram, runProgram } from './program.ts';

const program = createProgram([
  upCommand,
  downCommand,
  deleteCommand,
  statusCommand,
  nodeCommand,
  imageCommand,
  kubeconfigCommand,
  kubectlCommand,
  historyCommand,
  snapshotCommand,
  rewindCommand,
  versionCommand,
  completionCommand,
]);
process.exitCode = await runProgram(program, process.argv.slice(2));
