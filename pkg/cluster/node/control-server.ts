import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { type ClusterControl, type ControlAnswer, type ControlCall, socketName } from './control-protocol.ts';

/** Unix socket paths are limited by the kernel to 107 bytes (sun_path). */
const longestSocketPath = 107;
const longestCall = 1024 * 1024;

/** Serves the control socket. `stop` resolves when the cluster has stopped. Returns what closes the socket. */
export async function serveControl(directory: string, control: ClusterControl, stop: () => Promise<void>): Promise<() => Promise<void>> {
  const path = controlSocketPath(directory);
  rmSync(path, { force: true });
  const server = createServer((request, response) => {
    void answer(request, control, stop).then((result) => {
      response.setHeader('content-type', 'application/json');
      response.setHeader('connection', 'close');
      response.end(JSON.stringify(result));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return async () => {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    rmSync(path, { force: true });
  };
}

/** Throws for a directory in which no socket can be. */
export function controlSocketPath(directory: string): string {
  const path = join(directory, socketName);
  if (Buffer.byteLength(path) <= longestSocketPath) return path;
  throw new Error(`the path of the data directory is too long for a socket in it (${path}); choose a shorter --data-dir`);
}

async function answer(request: IncomingMessage, control: ClusterControl, stop: () => Promise<void>): Promise<ControlAnswer> {
  try {
    const { method, args } = await readCall(request);
    if (method === 'stop') {
      await stop();
      return { result: true };
    }
    const operations: { [M in keyof ClusterControl]: () => Promise<unknown> } = {
      status: () => control.status(),
      addNode: () => control.addNode(args[0] as string | undefined),
      nodeAction: () => control.nodeAction(args[0] as string, args[1] as Parameters<ClusterControl['nodeAction']>[1]),
      loadImage: () => control.loadImage(args[0] as string),
      listImages: () => control.listImages(),
      removeImage: () => control.removeImage(args[0] as string),
      saveSnapshot: () => control.saveSnapshot(args[0] as string),
    };
    if (!Object.hasOwn(operations, method)) return { error: `the running cluster does not know "${method}"; is it of another version?` };
    return { result: (await operations[method]()) ?? null };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

async function readCall(request: IncomingMessage): Promise<ControlCall> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > longestCall) throw new Error('the call is too long');
  }
  return JSON.parse(text) as ControlCall;
}
