import type { Clock } from '../../clock/clock.ts';
import { type DuplexStream, type ProcessStreams, RuntimeError } from '../cri.ts';
import type { FakeContainer } from './fake-container.ts';
import { runCommand, type ShellSystem } from './tiny-shell.ts';

const encoder = new TextEncoder();

export interface CommandStreams extends Pick<ShellSystem, 'stdout' | 'stderr' | 'tty'> {
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Aborting it kills the command. */
  readonly signal: AbortSignal;
}

/** Runs a command in a container that runs; resolves with its exit code, 137 if the container ends first. */
export async function runInContainer(
  container: FakeContainer,
  command: readonly string[],
  io: CommandStreams,
  clock: Clock,
): Promise<number> {
  if (container.state !== 'running') throw new RuntimeError('NotRunning', `container "${container.id}" is not running`);
  const killed = new AbortController();
  const kill = (): void => killed.abort(new RuntimeError('NotRunning', 'the command was killed'));
  const forget = container.onEnd(kill);
  io.signal.addEventListener('abort', kill, { once: true });
  if (io.signal.aborted) kill();
  const system = container.system({ stdout: io.stdout, stderr: io.stderr, stdin: io.stdin ?? nothing(), tty: io.tty });
  try {
    return await new Promise<number>((resolve, reject) => {
      killed.signal.addEventListener('abort', () => reject(killed.signal.reason), { once: true });
      if (killed.signal.aborted) reject(killed.signal.reason);
      runCommand(command, { ...system, sleep: (ms) => clock.sleep(ms, killed.signal) }).then(resolve, reject);
    });
  } catch (error) {
    // Its container ended: whatever ran in it was killed with it.
    if (container.end && killed.signal.aborted && !io.signal.aborted) return 137;
    throw error;
  } finally {
    forget();
    io.signal.removeEventListener('abort', kill);
  }
}

/** Text for whoever is at the other end. A terminal shows both outputs as one, and wants carriage returns. */
export function writersTo(streams: ProcessStreams): Pick<CommandStreams, 'stdout' | 'stderr'> {
  const write = (stream: 'stdout' | 'stderr') => (text: string) => {
    const lines = streams.tty ? text.replaceAll('\n', '\r\n') : text;
    void (streams.tty ? streams.stdout : streams[stream])?.call(streams, encoder.encode(lines));
  };
  return { stdout: write('stdout'), stderr: write('stderr') };
}

/** Speaks HTTP with whoever connects: one request, answered with the status and body. */
export async function answerHttp(stream: DuplexStream, status: number, body: string): Promise<void> {
  const decoder = new TextDecoder();
  const head = `HTTP/1.1 ${status} ${status < 400 ? 'OK' : 'Error'}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  let request = '';
  for await (const chunk of stream.readable) {
    request += decoder.decode(chunk, { stream: true });
    if (!request.includes('\r\n\r\n')) continue;
    await stream.write(encoder.encode(head + body));
    break;
  }
  await stream.end();
}

export async function* nothing(): AsyncIterable<Uint8Array> {}
