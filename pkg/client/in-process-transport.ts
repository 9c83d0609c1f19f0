/**
 * A server in this process: a request is a function call, and objects cross as they are. `connected = false` cuts
 * the line, as a network partition would.
 */
import { ApiError } from '../api/errors.ts';
import type { ApiRequest, ApiResponse, ByteStream, MessageStream, UserInfo } from '../api/http.ts';
import type { Transport, TransportRequest } from './client.ts';

/** What this transport needs of a server. */
export interface RequestHandler {
  handle(request: ApiRequest): Promise<ApiResponse>;
}

/**
 * Guarantees while `connected` is false: `send` rejects with ServiceUnavailable and the server sees nothing; what
 * was under way when the line was cut rejects likewise (the server may still carry it out: as on a network, the
 * caller cannot know), and streams that were open (watches, logs) throw ServiceUnavailable at their next batch.
 */
export class InProcessTransport implements Transport {
  readonly direct = true;
  readonly #server: RequestHandler;
  readonly #user: UserInfo;
  readonly #address: string | undefined;
  #connected = true;
  /** One for each request or stream that is under way. */
  readonly #cuts = new Set<(error: ApiError) => void>();

  constructor(options: { readonly server: RequestHandler; readonly user: UserInfo; readonly address?: string }) {
    this.#server = options.server;
    this.#user = options.user;
    this.#address = options.address;
  }

  get connected(): boolean {
    return this.#connected;
  }

  set connected(connected: boolean) {
    if (connected === this.#connected) return;
    this.#connected = connected;
    if (connected) return;
    const error = unreachable();
    for (const cut of [...this.#cuts]) cut(error);
  }

  send(request: TransportRequest): Promise<ApiResponse> {
    if (!this.#connected) return Promise.reject(unreachable());
    if (request.signal.aborted) return Promise.reject(request.signal.reason);
    const controller = new AbortController();
    const onAbort = (): void => controller.abort(request.signal.reason);
    request.signal.addEventListener('abort', onAbort, { once: true });
    const peer = { user: this.#user, ...(this.#address === undefined ? {} : { address: this.#address }) };

    return new Promise<ApiResponse>((resolve, reject) => {
      const fail = (reason: unknown): void => {
        release();
        reject(reason);
      };
      const cut = (error: ApiError): void => {
        fail(error);
        controller.abort(error);
      };
      const onCallerAbort = (): void => fail(request.signal.reason);
      const release = (): void => {
        this.#cuts.delete(cut);
        request.signal.removeEventListener('abort', onCallerAbort);
        request.signal.removeEventListener('abort', onAbort);
      };
      this.#cuts.add(cut);
      request.signal.addEventListener('abort', onCallerAbort, { once: true });
      this.#server.handle({ ...request, peer, signal: controller.signal }).then((response) => {
        const streaming = response.events !== undefined || response.upgrade !== undefined || isStream(response.body);
        release();
        if (!streaming) {
          resolve(response);
          return;
        }
        if (request.signal.aborted || !this.#connected) return; // rejected above
        request.signal.addEventListener('abort', onAbort, { once: true });
        resolve(this.#cuttable(response, controller, () => request.signal.removeEventListener('abort', onAbort)));
      }, fail);
    });
  }

  /** The same response, whose streams end when the line is cut. `done` is called once nothing more can come. */
  #cuttable(response: ApiResponse, controller: AbortController, done: () => void): ApiResponse {
    if (response.events) return { ...response, events: this.#cuttableStream(response.events, controller, done) };
    if (isStream(response.body)) return { ...response, body: this.#cuttableStream(response.body, controller, done) };
    const upgrade = response.upgrade;
    if (!upgrade) return response;
    const cut = (error: ApiError): void => controller.abort(error);
    this.#cuts.add(cut);
    const run = async (running: Promise<void>): Promise<void> => {
      try {
        await running;
      } finally {
        this.#cuts.delete(cut);
        done();
      }
    };
    return {
      ...response,
      upgrade:
        upgrade.kind === 'websocket'
          ? { ...upgrade, run: (socket: MessageStream) => run(upgrade.run(socket)) }
          : { ...upgrade, run: (stream: ByteStream) => run(upgrade.run(stream)) },
    };
  }

  #cuttableStream<T>(source: AsyncIterable<T>, controller: AbortController, done: () => void): AsyncIterable<T> {
    const cuts = this.#cuts;
    return {
      [Symbol.asyncIterator](): AsyncIterator<T> {
        const iterator = source[Symbol.asyncIterator]();
        let broken: ApiError | undefined;
        let rejectPending: ((error: ApiError) => void) | undefined;
        const cut = (error: ApiError): void => {
          broken = error;
          cuts.delete(cut);
          done();
          rejectPending?.(error);
          controller.abort(error);
        };
        const end = (): void => {
          cuts.delete(cut);
          done();
        };
        cuts.add(cut);
        return {
          next: () =>
            new Promise<IteratorResult<T>>((resolve, reject) => {
              if (broken) {
                reject(broken);
                return;
              }
              rejectPending = reject;
              iterator.next().then(
                (result) => {
                  rejectPending = undefined;
                  if (broken) return;
                  if (result.done) end();
                  resolve(result);
                },
                (error: unknown) => {
                  end();
                  reject(error);
                },
              );
            }),
          return: async () => {
            end();
            controller.abort(new Error('the reader has stopped'));
            await iterator.return?.();
            return { done: true, value: undefined };
          },
        };
      },
    };
  }
}

function isStream(body: ApiResponse['body']): body is AsyncIterable<Uint8Array> {
  return body !== undefined && !(body instanceof Uint8Array);
}

function unreachable(): ApiError {
  return new ApiError('ServiceUnavailable', 'the API server cannot be reached: the line to it is cut');
}
