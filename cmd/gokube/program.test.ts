import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { parseDuration } from './program.ts';

const main = new URL('main.ts', import.meta.url).pathname;

test('a program whose output nobody reads any more ends without a word, as by SIGPIPE', async () => {
  const child = spawn(process.execPath, [main, 'completion', 'bash'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.deepEqual({ code, said }, { code: 141, said: '' });
});

test('durations are told in the units that people use, days among them', () => {
  const told = { '90': 90_000, '500ms': 500, '1h30m': 5_400_000, '7d': 604_800_000, '1d12h': 129_600_000 };
  for (const [text, milliseconds] of Object.entries(told)) assert.equal(parseDuration(text), milliseconds);
  for (const text of ['', 'd', '1w', '1h 2m', '-1h']) assert.throws(() => parseDuration(text), /a duration such as/);
});
