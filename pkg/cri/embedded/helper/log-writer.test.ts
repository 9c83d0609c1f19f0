import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type Lane, lanes } from './frames.ts';
import { defaultLogLimits, LogWriter } from './log-writer.ts';

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gokube-log-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** What a reader of the CRI format makes of it, per stream. */
function parse(text: string): Record<string, string> {
  const streams: Record<string, string> = { stdout: '', stderr: '' };
  for (const line of text.split('\n').slice(0, -1)) {
    const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) ([PF]) (.*)$/s.exec(line);
    assert.ok(match, line.slice(0, 80));
    streams[match[1] as string] += (match[3] as string) + (match[2] === 'F' ? '\n' : '');
  }
  return streams;
}

test('whatever is written in whatever pieces can be read back, each stream in order', async (t) => {
  const folder = await newFolder(t);
  let number = 0;
  const piece = fc.record({
    lane: fc.constantFrom<Lane>(lanes.stdout, lanes.stderr),
    text: fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\r', ' ') }),
      fc.nat(40_000).map((length) => 'x'.repeat(length)),
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
      const path = join(folder, `${number++}.log`);
      const log = new LogWriter(path, (message) => assert.fail(message));
      await log.open();
      for (const { lane, text } of pieces) if (!log.write(lane, Buffer.from(text))) await log.drained();
      await log.close();
      const written = (lane: Lane): string =>
        pieces
          .filter((one) => one.lane === lane)
          .map(({ text }) => text)
          .join('')
          .replace(/([^\n])$/, '$1\n');
      assert.deepEqual(parse(readFileSync(path, 'utf8')), { stdout: written(lanes.stdout), stderr: written(lanes.stderr) });
    }),
    { numRuns: 60 },
  );
});

test('a full log is renamed, the oldest go, and no line is torn or lost among those kept', async (t) => {
  const folder = await newFolder(t);
  const log = new LogWriter(join(folder, '0.log'), (message) => assert.fail(message), { fileBytes: 10_000, files: 3 });
  for (let line = 0; line < 2000; line++) {
    log.write(lanes.stdout, Buffer.from(`line ${line}\n`));
    if (line % 50 === 0) await log.drained().then(() => new Promise((resolve) => setImmediate(resolve)));
  }
  await log.close();
  const files = readdirSync(folder).sort();
  assert.equal(files.length, 3);
  const current = files.shift() as string;
  assert.equal(current, '0.log');
  const kept = [...files, current].map((file) => parse(readFileSync(join(folder, file), 'utf8'))['stdout']).join('');
  const lines = kept
    .trimEnd()
    .split('\n')
    .map((line) => Number(line.slice(5)));
  assert.equal(lines.at(-1), 1999);
  assert.deepEqual(
    lines,
    Array.from({ length: lines.length }, (_, at) => 2000 - lines.length + at),
  );
  assert.deepEqual(defaultLogLimits, { fileBytes: 10 * 1024 * 1024, files: 5 });
});

test('a log that cannot be written complains once and holds nobody up', async (t) => {
  const folder = await newFolder(t);
  await writeFile(join(folder, 'file'), '');
  const complaints: string[] = [];
  const log = new LogWriter(join(folder, 'file/0.log'), (message) => complaints.push(message));
  await log.open();
  for (let chunk = 0; chunk < 40; chunk++) if (!log.write(lanes.stdout, Buffer.alloc(100_000, 'x\n'))) await log.drained();
  await log.close();
  assert.equal(complaints.length, 1);
  assert.match(complaints[0] as string, /its lines are dropped/);
});
