import type { Client } from '../client/client.ts';
import type { TerminalSize } from '../client/streams/remote-command.ts';
import type { Clock } from '../clock/clock.ts';

/** All that kubectl knows of the world around it: a process gives it files and a terminal, a browser tab what it has. */
export interface KubectlIo {
  readonly client: Client;
  readonly clock: Clock;
  /** Resolves, if it gives a promise, when more may be written. */
  stdout(chunk: string | Uint8Array): Promise<void> | void;
  stderr(text: string): Promise<void> | void;
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Whether stdout is looked at by a person. */
  readonly isTerminal: boolean;
  /** Absent: on a terminal, unless `env.NO_COLOR` is set (https://no-color.org). */
  readonly colour?: boolean;
  /** Columns of the terminal. */
  readonly width?: number;
  /** Rejects, with the platform's error, when it cannot be read. */
  readFile(path: string): Promise<Uint8Array>;
  /** Names in a directory, or undefined when the path is no directory. Rejects when there is nothing. */
  listDirectory(path: string): Promise<readonly string[] | undefined>;
  /** The kubeconfig context's namespace; absent: `default`. */
  readonly namespace?: string;
  /** Where the server is, for `cluster-info`. */
  readonly serverUrl?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What `exec -t` needs: keys one by one, and the size. Absent: stdin is no terminal. */
  readonly terminal?: KubectlTerminal;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface KubectlTerminal {
  /** Raw: keys are passed on as they are pressed. Call with false to undo. */
  setRaw(raw: boolean): void;
  /** The size now, and each new one. */
  resizes(signal: AbortSignal): AsyncIterable<TerminalSize>;
}
