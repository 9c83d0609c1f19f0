import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../contract/temporary-directory.node.ts';
import { isStoreError, prefixRange } from '../store.ts';
import { EtcdCluster, etcdBinaries } from './etcd-harness.ts';
import { EtcdStore } from './etcd-store.ts';
import type { Tls } from './protocol.ts';

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Writes an authority into the directory, and certificates signed by it for 127.0.0.1: of a server and of a client. */
async function makeCertificates(directory: string): Promise<Required<Tls>> {
  await mkdir(directory, { recursive: true });
  const openssl = (...rest: string[]): Buffer => execFileSync('openssl', rest, { cwd: directory, stdio: 'pipe' });
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=authority', '-days', '2');
  await writeFile(join(directory, 'extensions'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
  for (const name of ['server', 'client']) {
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'extensions', '-days', '2'];
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signing);
  }
  const [ca, cert, key] = await Promise.all(['ca.crt', 'client.crt', 'client.key'].map((file) => readFile(join(directory, file))));
  return { ca: ca as Buffer, cert: cert as Buffer, key: key as Buffer };
}

test('over TLS, with a certificate for the client: both sides insist on the authority', async (t) => {
  const { path, skip } = etcdBinaries[0] as (typeof etcdBinaries)[number];
  if (skip) return t.skip(skip);
  const directory = await temporaryDirectory();
  const files = join(directory, 'tls');
  let tls: Required<Tls>;
  try {
    tls = await makeCertificates(files);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return t.skip('needs openssl: apt-get install openssl');
    throw error;
  }
  const stranger = await makeCertificates(join(directory, 'stranger'));
  const serving = ['--cert-file', join(files, 'server.crt'), '--key-file', join(files, 'server.key')];
  const asking = ['--trusted-ca-file', join(files, 'ca.crt'), '--client-cert-auth'];
  const cluster = await EtcdCluster.start(path, { directory, tls, arguments: [...serving, ...asking] });
  t.after(() => cluster.dispose());
  const options = { endpoints: cluster.endpoints, callTimeout: 1_000 };
  const store = new EtcdStore({ ...options, tls });
  assert.ok((await store.commit([{ key: '/registry/k', value: new Uint8Array(1) }])).ok);
  assert.equal((await store.list(prefixRange('/registry/'))).count, 1);
  await store.close();
  for (const wrong of [{ ...tls, ca: stranger.ca }, { ...stranger, ca: tls.ca }, { ca: tls.ca }]) {
    const refused = new EtcdStore({ ...options, tls: wrong });
    const outcome = await refused.revision().catch((error: unknown) => error);
    assert.ok(isStoreError(outcome, 'Unavailable'), String(outcome));
    await refused.close();
  }
});
