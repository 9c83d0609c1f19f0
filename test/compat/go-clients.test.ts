/**
 * Clients written in Go, as operators use them: client-go in protobuf, its dynamic client, informers, server-side apply
 * and leader election, and an operator on controller-runtime. Their stories are in `test/compat/go`; the program that
 * tells them is built into `.cache/compat`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type RunningCluster, root } from '../e2e/running-cluster.ts';
import { startCluster } from './real-client.ts';

const program = join(root, '.cache/compat/go-clients');
const sources = join(root, 'test/compat/go');

interface Told {
  readonly ended: boolean;
  readonly text: string;
}

function run(file: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}): Told {
  const all = { ...process.env, GOWORK: 'off', ...env };
  const { status, stdout, stderr, error } = spawnSync(file, argv, { cwd: sources, env: all, encoding: 'utf8', timeout: 600_000 });
  return { ended: status === 0, text: error ? error.message : stdout + stderr };
}

/** Go of at least 1.21 brings the version that the modules ask for. */
function needsGo(): string | false {
  if (!run('go', ['version']).ended) return 'needs Go on the PATH: https://go.dev/dl';
  const { ended, text } = run('go', ['mod', 'download']);
  return ended
    ? false
    : `needs the Go modules of test/compat/go, which "go mod download" could not fetch there: ${text.trim().slice(0, 200)}`;
}

describe('clients in Go', { skip: needsGo() }, () => {
  let cluster: RunningCluster;
  before(async () => {
    mkdirSync(join(root, '.cache/compat'), { recursive: true });
    const built = run('go', ['build', '-o', program, '.']);
    assert.ok(built.ended, built.text);
    cluster = await startCluster();
  });
  after(() => cluster?.delete());

  const stories = {
    typed: 'typed clients speak protobuf: a deployment’s life, pages, patches, watches, refusals, tokens, events',
    dynamic: 'clients that know no types find resources, their metadata and their scale by discovery',
    informers: 'a shared informer hears of every change once and answers from its indexes',
    watchlist: 'a watch can begin with what there is, and says when that was all',
    apply: 'two managers share a deployment by server-side apply, quarrel, and let go',
    leader: 'one of two candidates leads, and the other follows',
    operator: 'an operator defines its kind, reconciles, reports, recreates and says farewell',
  };
  for (const [story, claim] of Object.entries(stories)) {
    it(claim, () => {
      const { ended, text } = run(program, [story], { KUBECONFIG: cluster.kubeconfig });
      assert.ok(ended && text.startsWith(`ok   ${story} (`), text);
    });
  }
});
