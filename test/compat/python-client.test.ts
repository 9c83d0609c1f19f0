/** The Python client of Kubernetes: `python_client.py` is the story. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsPythonClient, pythonWithClient } from './clients.ts';
import { RealClient, startCluster } from './real-client.ts';

test('the Python client of Kubernetes', { skip: needsPythonClient() }, async () => {
  const cluster = await startCluster();
  try {
    const python = new RealClient(cluster, pythonWithClient() as string, ['-B', join(import.meta.dirname, 'python_client.py')]);
    const { code, out, err } = python.run('');
    assert.equal(code, 0, `${out}${err}`);
    assert.match(out, /^ok /);
  } finally {
    await cluster.delete();
  }
});
