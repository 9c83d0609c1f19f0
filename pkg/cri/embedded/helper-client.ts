import { type ChildProcess, spawn } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { RuntimeError } from '../cri.ts';
import { Flow, type Frame, FramedSocket, frameKinds, type Lane } from './helper/frames.ts';
import type { Failure, HelperCalls, HelperEvent } from './helper/protocol.ts';

/** What a streaming call does with the bytes that come back; its promise is the back pressure. */
export type DataSink = (lane: Lane, data: Uint8Array | undefined) => Promise<void> | void;

export interface HelperClientOptions {
  /** Names the cluster in the helper's command line, so that a sweep can find it. */
  readonly mark: string;
  /** For the helper alone; emptied when it starts. */
  readonly pipesFolder: string;
  readonly cgroupFolders: readonly string[];
  /** Where compiled sources may be kept, when this process has no such folder itself. */
  readonly compileCache: string;
  readonly onEvent: (event: HelperEvent) => void;
  /** The helper ended although nobody closed it. */
  readonly onGone: (error: Error) => void;
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly flow: Flow;
  readonly sink: DataSink | undefined;
  /** Data is handed on in order: each piece waits for the one before. */
  tail: Promise<void>;
}

/** The cluster's half of the runtime helper (helper/main.ts): starts it and calls it. */
export class HelperClient {
  readonly #child: ChildProcess;
  readonly #socket: FramedSocket;
  readonly #options: HelperClientOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #next = 1;
  #closing = false;
  #gone: Error | undefined;
  #diagnosis = '';

  constructor(options: HelperClientOptions) {
    this.#options = options;
    const entry = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './helper/main.ts' : './helper/main.js', import.meta.url));
    const flags = ['--no-warnings', '--max-old-space-size=128', '--max-semi-space-size=2'];
    // In a session of its own: a Ctrl-C at the terminal must not reach it before its containers had their grace.
    this.#child = spawn(process.execPath, [...flags, entry, options.mark, options.pipesFolder, ...options.cgroupFolders], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
      cwd: '/',
      // Loading its sources takes 50 ms from a warm compile cache, and 200 without.
      env: { ...process.env, NODE_COMPILE_CACHE: getCompileCacheDir() ?? options.compileCache },
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#diagnosis = (this.#diagnosis + chunk.toString()).slice(-4000);
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#end(
          new Error(`the runtime helper ended (${signal ?? `exit code ${code}`})${this.#diagnosis ? `: ${this.#diagnosis.trim()}` : ''}`),
        );
        resolve();
      });
      this.#child.once('error', (error) => {
        this.#end(error);
        resolve();
      });
    });
    this.#socket = new FramedSocket(
      this.#child.stdio[3] as Duplex,
      (frame) => this.#onFrame(frame),
      () => {},
    );
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#gone === undefined;
  }

  call<M extends keyof HelperCalls>(method: M, params: HelperCalls[M]['params']): Promise<HelperCalls[M]['result']> {
    return this.#start(method, params, undefined).result;
  }

  /** A call with streams: `sink` takes what comes, `flow` sends, `cancel` gives up. */
  open<M extends keyof HelperCalls>(
    method: M,
    params: HelperCalls[M]['params'],
    sink: DataSink,
  ): { readonly result: Promise<HelperCalls[M]['result']>; readonly flow: Flow; cancel(): void } {
    return this.#start(method, params, sink);
  }

  /** Ends the helper, and with it every container that still runs. Resolves when it is gone. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#socket.close();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await this.#exited;
    clearTimeout(timer);
  }

  #start<M extends keyof HelperCalls>(method: M, params: HelperCalls[M]['params'], sink: DataSink | undefined) {
    const id = this.#next++;
    const flow = new Flow(this.#socket, id);
    const result = new Promise<HelperCalls[M]['result']>((resolve, reject) => {
      if (this.#gone) reject(new RuntimeError('Unavailable', this.#gone.message));
      else this.#pending.set(id, { resolve: resolve as (value: never) => void, reject, flow, sink, tail: Promise.resolve() });
    });
    this.#socket.sendJson(frameKinds.request, id, { method, params });
    return { result, flow, cancel: () => this.#socket.send(frameKinds.cancel, id) };
  }

  #onFrame(frame: Frame): void {
    if (frame.kind === frameKinds.event) {
      this.#options.onEvent(JSON.parse(frame.payload.toString()) as HelperEvent);
      return;
    }
    const pending = this.#pending.get(frame.call);
    if (!pending) return;
    if (frame.kind === frameKinds.credit) pending.flow.credited(frame.payload);
    else if (frame.kind === frameKinds.data || frame.kind === frameKinds.end) {
      const lane = frame.payload.readUInt8(0) as Lane;
      const data = frame.kind === frameKinds.data ? new Uint8Array(frame.payload.subarray(1)) : undefined;
      pending.tail = pending.tail
        .then(() => pending.sink?.(lane, data))
        // A reader that fails has left; what it does not take is not kept.
        .catch(() => {})
        .then(() => {
          if (data) pending.flow.consumed(data.length);
        });
    } else if (frame.kind === frameKinds.answer || frame.kind === frameKinds.failure) {
      this.#pending.delete(frame.call);
      pending.flow.close();
      // The answer comes after all the data, however slow its reader.
      void pending.tail.then(() => {
        if (frame.kind === frameKinds.answer) pending.resolve(JSON.parse(frame.payload.toString()) as never);
        else {
          const failure = JSON.parse(frame.payload.toString()) as Failure;
          pending.reject(new RuntimeError(failure.code, failure.message));
        }
      });
    }
  }

  #end(error: Error): void {
    if (this.#gone) return;
    this.#gone = error;
    for (const pending of this.#pending.values()) {
      pending.flow.close();
      pending.reject(new RuntimeError('Unavailable', error.message));
    }
    this.#pending.clear();
    if (!this.#closing) this.#options.onGone(error);
  }
}
