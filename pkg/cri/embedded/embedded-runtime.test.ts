import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CriHarness, criContract } from '../cri-contract.ts';
import { EmbeddedMachine } from './machine.ts';
import { needsContainers } from './testing/needs.ts';

const create = async (): Promise<CriHarness> => {
  const directory = await mkdtemp(join(tmpdir(), 'gokube-contract-'));
  const machine = await EmbeddedMachine.start({ cluster: `contract${process.pid}`, directory: join(directory, 'runtime') });
  return {
    runtime: machine.runtime('node-1', undefined),
    image: 'gokube/host',
    missingImage: 'nowhere.example/none:1',
    logDirectory: join(directory, 'logs'),
    programs: {
      ends: (exitCode) => ({ command: ['sh', '-c', `echo hello; exit ${exitCode}`] }),
      runs: { command: ['sh', '-c', 'trap "exit 0" TERM; echo hello; while :; do sleep 1000 & wait; done'] },
      stays: { command: ['sleep', '1000'] },
      missing: { command: ['no-such-command'] },
    },
    commands: { prints: ['echo', 'hello'], fails: ['sh', '-c', 'exit 3'], hangs: ['sleep', '1000'], copies: ['cat'] },
    readLog: (path) => readFileSync(path, 'utf8'),
    settle: (promise) => promise,
    eventually: async (check) => {
      for (let tries = 0; !(await check()); tries++) {
        if (tries > 1000) throw new Error('it never came true');
        await sleep(10);
      }
    },
    close: async () => {
      await machine.close();
      await rm(directory, { recursive: true });
    },
  };
};

criContract('EmbeddedRuntime', create, { skip: needsContainers ?? false });
