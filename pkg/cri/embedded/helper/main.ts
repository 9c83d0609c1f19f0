import { readdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createBundle } from '../bundle.ts';
import { CallServer } from './calls.ts';
import { Containers } from './containers.ts';
import { execInContainer } from './exec.ts';
import { FramedSocket, frameKinds } from './frames.ts';
import { Namespaces } from './namespaces.ts';
import { Pipes } from './pipes.ts';
import { PortForwards } from './port-forward.ts';
import type { HelperEvent } from './protocol.ts';
import { runProgram } from './run-program.ts';

/**
 * The runtime helper: a small process beside the cluster's. It starts processes (cheap from a small parent, costly
 * from a large one), holds their streams, writes container logs and tells how things ended. It talks over the
 * socket at descriptor 3. When that ends, its parent is gone: it kills every container and leaves.
 *
 * Arguments: a mark that names the cluster (for the sweep), a folder for pipes, then the cluster's cgroup folders.
 */
const [, , , pipesFolder = '', ...cgroups] = process.argv;
const pipes = new Pipes(pipesFolder);
const emit = (event: HelperEvent): void => socket.sendJson(frameKinds.event, 0, event);
const namespaces = new Namespaces(emit, pipes);
const containers = new Containers(emit, pipes);
const forwards = new PortForwards();

const server = new CallServer({
  createNamespaces: (params) => namespaces.create(params),
  startPause: ({ sandbox, argv }) => namespaces.startPause(sandbox, argv),
  releaseNamespaces: async ({ sandbox }) => {
    await namespaces.release(sandbox);
    return null;
  },
  prepare: async (params) => createBundle(params),
  start: (params) => containers.start(params),
  signal: async ({ id, signal }) => containers.signal(id, signal),
  kill: async ({ id }) => containers.kill(id),
  attach: async (params, call) => {
    await containers.attach(params, call);
    return null;
  },
  forget: async ({ id }) => {
    containers.forget(id);
    return null;
  },
  exec: (params, call) => execInContainer(params, call, pipes),
  forward: async (params, call) => {
    await forwards.forward(params, call);
    return null;
  },
  run: runProgram,
});

const socket = new FramedSocket(
  new Socket({ fd: 3, readable: true, writable: true }),
  (frame) => server.onFrame(frame, socket),
  () => {
    containers.killAll();
    forwards.killAll();
    for (const folder of cgroups) killCgroup(folder);
    process.exit(0);
  },
);

// The parent decides when we end: a Ctrl-C in its terminal reaches us too, and containers must get their grace.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

/** Kills every process below a cgroup folder. */
function killCgroup(folder: string): void {
  let pids: string[] = [];
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) killCgroup(join(folder, entry.name));
    pids = readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
  } catch {
    return; // The folder is gone already.
  }
  for (const pid of pids) {
    try {
      process.kill(Number(pid), 9);
    } catch {
      // It ended in between.
    }
  }
}
