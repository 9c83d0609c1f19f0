import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LaunchedProcess } from './launched-process.ts';
import { spawnScript, spawnTerminal } from './terminal.ts';

const script = 'echo ready; read line; stty size; echo "got $line"; test -t 0 && test -t 1 && echo "on a terminal"; exit 7';
const argv = ['sh', '-c', script];

const kinds: readonly [string, () => Promise<LaunchedProcess>, string | false][] = [
  ['node-pty', () => spawnTerminal({ argv, stdin: true, tty: true }), false],
  ['script', async () => spawnScript(argv), existsSync('/usr/bin/script') ? false : 'needs script: apt-get install bsdutils'],
];

for (const [name, start, skip] of kinds)
  test(`a terminal by ${name}: what is typed, shown, resized, and how it ends`, { skip }, async () => {
    const process = await start();
    let seen = '';
    process.onOutput((_lane, chunk) => {
      seen += chunk.toString();
    });
    const until = async (text: string): Promise<void> => {
      for (let tries = 0; !seen.includes(text); tries++) {
        assert.ok(tries < 500, `"${text}" in ${JSON.stringify(seen)}`);
        await sleep(10);
      }
    };
    await until('ready');
    process.resize(91, 31);
    // The size is set by another program in one of the two.
    await sleep(name === 'script' ? 200 : 0);
    await process.write(Buffer.from('words\n'));
    assert.equal(await process.ended, 7);
    assert.match(seen, /31 91\r\n/);
    assert.match(seen, /got words\r\n/);
    assert.match(seen, /on a terminal\r\n/);
  });
