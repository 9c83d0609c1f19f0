import { RuntimeError } from '../../cri.ts';
import { Flow, type Frame, type FramedSocket, frameKinds, type Lane } from './frames.ts';
import type { Failure, HelperCalls } from './protocol.ts';

/** One call as its handler sees it. */
export interface Call {
  readonly flow: Flow;
  /** Aborts when the caller gave up. */
  readonly signal: AbortSignal;
  /** Where the call's data goes; data that came before is delivered at once. `undefined` data: the lane's end. */
  onData(sink: (lane: Lane, data: Buffer | undefined) => void): void;
}

export type Handlers = {
  readonly [M in keyof HelperCalls]: (params: HelperCalls[M]['params'], call: Call) => Promise<HelperCalls[M]['result']>;
};

class ServedCall implements Call {
  readonly flow: Flow;
  readonly #abort = new AbortController();
  #sink: ((lane: Lane, data: Buffer | undefined) => void) | undefined;
  #early: [Lane, Buffer | undefined][] = [];

  constructor(flow: Flow) {
    this.flow = flow;
  }
  get signal(): AbortSignal {
    return this.#abort.signal;
  }
  onData(sink: (lane: Lane, data: Buffer | undefined) => void): void {
    this.#sink = sink;
    const early = this.#early;
    this.#early = [];
    for (const [lane, data] of early) sink(lane, data);
  }
  deliver(lane: Lane, data: Buffer | undefined): void {
    if (this.#sink) this.#sink(lane, data);
    else this.#early.push([lane, data]);
  }
  cancel(): void {
    this.#abort.abort();
  }
}

/** The helper's half of the calls: requests in, handlers run, answers out. */
export class CallServer {
  readonly #calls = new Map<number, ServedCall>();
  readonly #handlers: Handlers;

  constructor(handlers: Handlers) {
    this.#handlers = handlers;
  }

  onFrame(frame: Frame, socket: FramedSocket): void {
    const call = this.#calls.get(frame.call);
    if (frame.kind === frameKinds.request) this.#serve(frame, socket);
    else if (frame.kind === frameKinds.data) call?.deliver(frame.payload.readUInt8(0) as Lane, frame.payload.subarray(1));
    else if (frame.kind === frameKinds.end) call?.deliver(frame.payload.readUInt8(0) as Lane, undefined);
    else if (frame.kind === frameKinds.credit) call?.flow.credited(frame.payload);
    else if (frame.kind === frameKinds.cancel) call?.cancel();
  }

  #serve(frame: Frame, socket: FramedSocket): void {
    const call = new ServedCall(new Flow(socket, frame.call));
    this.#calls.set(frame.call, call);
    const { method, params } = JSON.parse(frame.payload.toString()) as { method: keyof HelperCalls; params: never };
    const handler = this.#handlers[method] as (params: never, call: Call) => Promise<unknown>;
    handler(params, call)
      .then(
        (result) => socket.sendJson(frameKinds.answer, frame.call, result),
        (error: unknown) => {
          const failure: Failure = {
            code: error instanceof RuntimeError ? error.code : 'Internal',
            message: error instanceof Error ? error.message : String(error),
          };
          socket.sendJson(frameKinds.failure, frame.call, failure);
        },
      )
      .finally(() => {
        call.flow.close();
        this.#calls.delete(frame.call);
      });
  }
}
