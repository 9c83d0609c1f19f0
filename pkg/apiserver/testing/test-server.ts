import type { ApiResponse, UserInfo } from '../../api/http.ts';
import type { Client } from '../../client/client.ts';
import { createClient } from '../../client/create-client.ts';
import { InProcessTransport } from '../../client/in-process-transport.ts';
import { bodyOf, readBody } from '../../client/read-body.ts';
import { SeededRandom } from '../../clock/random.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { createLogger } from '../../log/log.ts';
import { MemoryMetrics } from '../../metrics/memory-metrics.ts';
import { Registry } from '../../registry/registry.ts';
import { MemoryStore } from '../../storage/memory-store.ts';
import { ApiServer, type ApiServerOptions } from '../api-server.ts';

export const admin: UserInfo = { name: 'kubernetes-admin', groups: ['system:masters'] };

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly bytes: Uint8Array;
  /** The body as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  readonly json: any;
  readonly response: ApiResponse;
}

export interface RequestChanges {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** null: nobody in particular. */
  readonly user?: UserInfo | null;
  readonly signal?: AbortSignal;
}

/** An API server over a memory store on virtual time, asked in bytes as a network would. Errors in its log fail the test. */
export async function testServer(
  options: Partial<ApiServerOptions> | ((base: { registry: Registry; clock: VirtualClock }) => Promise<Partial<ApiServerOptions>>) = {},
) {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  const errors: unknown[] = [];
  const log = createLogger((level, message, fields) => {
    if (level === 'error') errors.push(message, fields);
  });
  const registry = new Registry({ store, clock, random: new SeededRandom(1), log });
  await registry.start();
  const metrics = new MemoryMetrics();
  const given = typeof options === 'function' ? await options({ registry, clock }) : options;
  const server = new ApiServer({ registry, clock, random: new SeededRandom(2), log, metrics, ...given });

  const request = async (method: string, url: string, changes: RequestChanges = {}): Promise<TestAnswer> => {
    const [path = '', query] = url.split('?', 2);
    const { body, headers = {}, user = admin } = changes;
    const bytes =
      body === undefined
        ? undefined
        : body instanceof Uint8Array
          ? body
          : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
    const response = await server.handle({
      method,
      path,
      query: new URLSearchParams(query),
      headers: { ...(bytes ? { 'content-type': 'application/json' } : {}), ...headers },
      ...(bytes ? { body: bodyOf(bytes) } : {}),
      peer: user ? { user } : {},
      signal: changes.signal ?? new AbortController().signal,
    });
    const streaming = response.headers['content-type']?.includes('watch') || query?.includes('watch=true');
    const answer = streaming && response.status === 200 ? new Uint8Array(0) : await readBody(response.body);
    const text = new TextDecoder().decode(answer);
    return {
      status: response.status,
      headers: response.headers,
      text,
      bytes: answer,
      get json() {
        return JSON.parse(text);
      },
      response,
    };
  };
  const client = (user = admin): Client => createClient(new InProcessTransport({ server, user }), { agent: 'test' });
  /** Service accounts are needed by pods. */
  const withDefaults = async (): Promise<void> => {
    for (const namespace of ['default', 'other']) {
      await request('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
      await request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
    }
  };
  return { server, registry, store, clock, metrics, request, client, errors, withDefaults };
}

/** The frames of a watch's body, parsed, until `count` have come. */
export async function readFrames(response: ApiResponse, count: number): Promise<{ type: string; object: Record<string, unknown> }[]> {
  const frames: { type: string; object: Record<string, unknown> }[] = [];
  let rest = '';
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    const lines = (rest + new TextDecoder().decode(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) frames.push(JSON.parse(line));
    if (frames.length >= count) break;
  }
  return frames;
}
