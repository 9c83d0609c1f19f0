import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { tellStory } from './story.ts';

const root = resolve(import.meta.dirname, '../..');
const program = `
import { tellStory } from ${JSON.stringify(resolve(import.meta.dirname, 'story.ts'))};
const { fingerprint, revisions, told } = await tellStory({ seed: Number(process.argv[1]), yields: () => Math.floor(Math.random() * 3) });
console.log(JSON.stringify({ fingerprint, revisions, told }));`;

/** Tells the story in a process of its own, with extra turns of the event loop thrown in at random. */
function elsewhere(node: string, seed: number): unknown {
  const { stdout, stderr } = spawnSync(
    node,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program, String(seed)],
    {
      encoding: 'utf8',
      timeout: 120_000,
    },
  );
  assert.ok(stdout, stderr);
  return JSON.parse(stdout);
}

describe('a cluster on virtual time', () => {
  test('heals: a dead node’s pods come back elsewhere after 40 s + 5 min, and the node returns', async () => {
    const { told } = await tellStory({ seed: 7 });
    assert.deepEqual(told, [
      '00:00:00 10 pods run on node-1 node-2 node-3',
      '00:00:00 node-2 dies',
      told[2],
      told[3],
      '01:00:00 10 pods run on node-1 node-3',
    ]);
    assert.match(told[2] as string, /^00:05:4\d 10 pods run on node-1 node-3$/);
    assert.match(told[3] as string, /^00:05:\d\d node-2 returns$/);
  });

  test('writes the same bytes in the same order from one seed, in other processes and with other turns of the event loop', async () => {
    const here = await tellStory({ seed: 7 });
    assert.ok(here.revisions > 100);
    assert.deepEqual(elsewhere(process.execPath, 7), here);
    assert.notEqual((await tellStory({ seed: 8 })).fingerprint, here.fingerprint);
  });

  const older = resolve(root, '.cache/clients/node-24/bin/node');
  test('writes the same in Node.js 24 as in this one', {
    skip: existsSync(older) ? false : 'needs Node.js 24 beside this one: make deps/clients',
  }, async () => {
    assert.deepEqual(elsewhere(older, 7), await tellStory({ seed: 7 }));
  });
});
