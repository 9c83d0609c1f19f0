import type { ReadStream, WriteStream } from 'node:tty';
import type { TerminalSize } from '../client/streams/remote-command.ts';
import type { KubectlTerminal } from './io.ts';

/** The terminal behind a process's streams, for `exec -it`; undefined when keys do not come from one. */
export function terminalOf(stdin: ReadStream, stdout: WriteStream): KubectlTerminal | undefined {
  if (!stdin.isTTY) return undefined;
  return {
    setRaw(raw) {
      stdin.setRawMode(raw);
    },
    async *resizes(signal) {
      let changed = Promise.withResolvers<void>();
      const onResize = (): void => changed.resolve();
      stdout.on('resize', onResize);
      signal.addEventListener('abort', onResize, { once: true });
      try {
        while (!signal.aborted) {
          yield { width: stdout.columns, height: stdout.rows } satisfies TerminalSize;
          await changed.promise;
          changed = Promise.withResolvers<void>();
        }
      } finally {
        stdout.off('resize', onResize);
        signal.removeEventListener('abort', onResize);
      }
    },
  };
}
