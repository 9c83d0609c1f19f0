/** A command's streams, for exec, attach and run: stdin, stdout and stderr through a WebSocket to the kubelet. */
import type { Pod } from '../api/generated/core-v1.ts';
import type { Status } from '../api/generated/meta-v1.ts';
import { resourcePath } from '../client/resource-path.ts';
import { createMessagePipe } from '../client/streams/message-pipe.ts';
import { exitCodeOf, type RemoteCommandProtocol, remoteCommandProtocols, runRemoteCommand } from '../client/streams/remote-command.ts';
import type { CommandContext } from './command.ts';
import { CommandError } from './failure.ts';

export interface RemoteSession {
  readonly what: 'exec' | 'attach';
  readonly pod: Pod;
  readonly container: string;
  /** For exec. */
  readonly command?: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly quiet?: boolean;
}

/** Runs until the command ends; resolves with its exit code. Throws when it could not be run. */
export async function runRemoteSession(context: CommandContext, session: RemoteSession): Promise<number> {
  const { io, api } = context;
  const { what, pod, container, command, stdin, tty } = session;
  const info = await context.mapper.one('pods');
  const { name, namespace } = pod.metadata;
  const query = new URLSearchParams({ container });
  for (const word of command ?? []) query.append('command', word);
  if (stdin) query.set('stdin', 'true');
  query.set('stdout', 'true');
  // A terminal has one output.
  if (tty) query.set('tty', 'true');
  else query.set('stderr', 'true');
  const response = await api.client.raw({
    path: `${resourcePath(info, { namespace, name, subresource: what })}?${query}`,
    headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-protocol': remoteCommandProtocols.slice(0, 2).join(', ') },
    signal: io.signal,
  });
  if (response.upgrade?.kind !== 'websocket') throw new CommandError(`the server did not open a stream for ${what}`);
  const { upgrade } = response;
  const [mine, theirs] = createMessagePipe();
  const terminal = tty ? io.terminal : undefined;
  const ended = new AbortController();
  terminal?.setRaw(true);
  try {
    const connection = upgrade.run(theirs);
    const running = async () => {
      try {
        return await runRemoteCommand(mine, {
          protocol: (upgrade.protocol ?? 'v5.channel.k8s.io') as RemoteCommandProtocol,
          ...(stdin && io.stdin ? { stdin: io.stdin } : {}),
          ...(terminal ? { resizes: terminal.resizes(ended.signal) } : {}),
          stdout: (chunk) => io.stdout(chunk),
          stderr: (chunk) => io.stderr(new TextDecoder().decode(chunk)),
        });
      } finally {
        await mine.close();
      }
    };
    const [status] = await Promise.all([running(), connection]);
    return exitCodeFrom(status);
  } finally {
    ended.abort();
    terminal?.setRaw(false);
  }
}

function exitCodeFrom(status: Status): number {
  const code = exitCodeOf(status);
  if (code === undefined) throw new CommandError(status.message ?? 'the command could not be run');
  return code;
}

/** `-t` wants a terminal; without one the command is run as without the flag. */
export async function terminalWanted(
  context: CommandContext,
  { stdin, tty }: { readonly stdin: boolean; readonly tty: boolean },
): Promise<boolean> {
  if (!tty) return false;
  if (stdin && !context.io.terminal) {
    await context.warn('Unable to use a TTY - input is not a terminal or the right kind of file');
    return false;
  }
  return true;
}
