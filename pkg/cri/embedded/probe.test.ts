import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeObstacles, probeEmbedded } from './probe.ts';
import { needsCapableMachine } from './testing/needs.ts';

test('a machine that can run containers passes, and the probe leaves nothing', { skip: needsCapableMachine ?? false }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'gokube-probe-'));
  t.after(() => rm(directory, { recursive: true }));
  const { ok, reasons } = await probeEmbedded({ directory: join(directory, 'not/yet') });
  assert.deepEqual({ ok, reasons }, { ok: true, reasons: [] });
  assert.deepEqual(readdirSync(directory), []);
});

test('what is missing is named with the package that brings it; a missing nft only warns', async () => {
  const { ok, reasons, warnings } = await probeEmbedded({ directory: tmpdir(), path: [] });
  assert.equal(ok, false);
  const text = describeObstacles(reasons);
  assert.match(text, /^the command unshare, nsenter, setpriv, setsid, pivot_root is missing: apt-get install util-linux$/m);
  assert.match(text, /^the command ip is missing: apt-get install iproute2$/m);
  assert.match(describeObstacles(warnings), /nft is missing.*: apt-get install nftables$/);
});

test('where overlayfs cannot write, another folder is asked for', { skip: needsCapableMachine ?? false }, async () => {
  const { ok, reasons } = await probeEmbedded({ directory: '/proc' }).catch((error: Error) => ({
    ok: false,
    reasons: [{ what: error.message, remedy: '' }],
  }));
  assert.equal(ok, false);
  assert.match(describeObstacles(reasons), /\/proc/);
});
