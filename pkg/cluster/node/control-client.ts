import { request } from 'node:http';
import type { SavedSnapshot } from './cluster-snapshot.ts';
import type { ClusterControl, ClusterStatus, ControlAnswer, ControlCall, ImageStatus, NodeAction, NodeStatus } from './control-protocol.ts';
import { controlSocketPath } from './control-server.ts';

/** A line to a running cluster over its control socket. */
export class ControlClient implements ClusterControl {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Undefined when no cluster runs on that directory. */
  static async connect(directory: string): Promise<ControlClient | undefined> {
    const client = new ControlClient(controlSocketPath(directory));
    try {
      await client.status();
      return client;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR' || code === 'ECONNRESET') return undefined;
      throw error;
    }
  }

  status(): Promise<ClusterStatus> {
    return this.#call('status');
  }
  addNode(name: string | undefined): Promise<NodeStatus> {
    return this.#call('addNode', name);
  }
  nodeAction(name: string, action: NodeAction): Promise<boolean> {
    return this.#call('nodeAction', name, action);
  }
  loadImage(path: string): Promise<readonly string[]> {
    return this.#call('loadImage', path);
  }
  listImages(): Promise<readonly ImageStatus[]> {
    return this.#call('listImages');
  }
  removeImage(reference: string): Promise<boolean> {
    return this.#call('removeImage', reference);
  }
  saveSnapshot(file: string): Promise<SavedSnapshot> {
    return this.#call('saveSnapshot', file);
  }
  /** Resolves when everything has stopped. */
  stop(): Promise<boolean> {
    return this.#call('stop');
  }

  #call<T>(method: ControlCall['method'], ...args: unknown[]): Promise<T> {
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: this.#path, method: 'POST', path: '/', headers: { connection: 'close' } }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () => {
          const answer = JSON.parse(text) as ControlAnswer;
          if ('error' in answer) reject(new Error(answer.error));
          else resolve(answer.result as T);
        });
      });
      call.on('error', reject);
      call.end(JSON.stringify({ method, args } satisfies ControlCall));
    });
  }
}
