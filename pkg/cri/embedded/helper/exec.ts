import { RuntimeError } from '../../cri.ts';
import type { Call } from './calls.ts';
import { type Lane, lanes } from './frames.ts';
import { launch } from './launch.ts';
import { LaunchReport, launcherComplaint } from './launch-report.ts';
import type { Pipes } from './pipes.ts';
import type { ExecAnswer, ExecParams } from './protocol.ts';

/** A command inside a running container, joined with the call's streams until it ends. */
export async function execInContainer(params: ExecParams, call: Call, pipes: Pipes): Promise<ExecAnswer> {
  const process = await launch(params, pipes);
  const report = new LaunchReport();
  let ok = false;
  let firstError = '';
  let holdups = 0;
  let sending: Promise<void> = Promise.resolve();

  const deliver = (lane: Lane, chunk: Buffer): void => {
    if (chunk.length === 0) return;
    if ((lane === lanes.stderr || params.tty) && firstError.length < 1000) firstError += chunk.toString('latin1');
    if (holdups++ === 0) process.pause();
    sending = call.flow.send(lane, chunk).finally(() => {
      if (--holdups === 0) process.resume();
    });
  };
  // What is typed before the command runs waits: a terminal would echo it into the launch report.
  const typed: (Buffer | undefined)[] = [];
  const input = (data: Buffer | undefined): void => {
    if (data) void process.write(data).then(() => call.flow.consumed(data.length));
    else process.endInput();
  };
  process.onOutput((lane, chunk) => {
    if (ok) return deliver(lane, chunk);
    const rest = report.push(chunk);
    if (rest === undefined) return;
    ok = true;
    deliver(lane, rest);
    for (const data of typed) input(data);
  });
  call.onData((lane, data) => {
    if (lane === lanes.resize && data) {
      const { width, height } = JSON.parse(data.toString()) as { width: number; height: number };
      process.resize(width, height);
    } else if (lane === lanes.stdin) {
      if (ok) input(data);
      else typed.push(data);
    }
  });

  let timedOut = false;
  const timer =
    params.timeout > 0
      ? setTimeout(() => {
          timedOut = true;
          process.kill();
        }, params.timeout)
      : undefined;
  const abort = (): void => process.kill();
  call.signal.addEventListener('abort', abort, { once: true });
  if (call.signal.aborted) abort();

  const exitCode = await process.ended;
  clearTimeout(timer);
  if (!call.signal.aborted) await sending;
  if (!ok && !timedOut && !call.signal.aborted) {
    if (/nsenter: cannot open|No such process/.test(report.message))
      throw new RuntimeError('NotRunning', `container ${params.container} is not running`);
    return { exitCode: 128, timedOut, startError: report.message };
  }
  const complaint = exitCode === 126 || exitCode === 127 ? launcherComplaint(Buffer.from(firstError, 'latin1').toString()) : undefined;
  return complaint === undefined ? { exitCode, timedOut } : { exitCode, timedOut, startError: complaint };
}
