import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateSigningRequest } from '../../api/generated/certificates-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { certificateRequest } from '../testing/certificates.ts';
import { changed, object, storageOf } from '../testing/objects.ts';
import { testRegistry } from '../testing/test-registry.ts';

const key = { namespace: '', name: 'jane' };
const spec = { request: certificateRequest, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'], username: 'root' };
const condition = (type: string): object => ({ type, status: 'True', reason: 'ByHand' });
const deciding = (...types: string[]): ((current: KubeObject | undefined) => KubeObject) =>
  changed({ status: { conditions: types.map(condition) } });

test('who asks is who made the request; what is asked never changes', async () => {
  const { registry, context } = await testRegistry();
  const requests = storageOf(registry, 'certificatesigningrequests', 'certificates.k8s.io');
  const user = { name: 'jane', uid: '7', groups: ['dev'], extra: { scopes: ['a'] } };
  const made = await requests.create(
    context({ user }),
    '',
    object('certificates.k8s.io/v1', 'CertificateSigningRequest', 'jane', { spec }),
  );
  const { spec: stored } = made.object as CertificateSigningRequest;
  assert.deepEqual([stored.username, stored.uid, stored.groups, stored.extra], ['jane', '7', ['dev'], { scopes: ['a'] }]);
  const { entry } = await requests.update(context(), key, changed({ spec: { ...spec, usages: ['any'] } }));
  assert.equal(entry.revision, made.revision);
  await registry.close();
});

test('an approval writes conditions and nothing else, with their times, and stays', async () => {
  const { registry, context } = await testRegistry();
  const requests = storageOf(registry, 'certificatesigningrequests', 'certificates.k8s.io');
  await requests.create(context(), '', object('certificates.k8s.io/v1', 'CertificateSigningRequest', 'jane', { spec }));
  const decide = (subresource: string, ...types: string[]) => requests.update(context(), key, deciding(...types), { subresource });
  await assert.rejects(decide('status', 'Approved'), /updates may not add a condition of type "Approved"/);
  await assert.rejects(decide('approval', 'Approved', 'Denied'), /mutually exclusive/);
  const { entry } = await decide('approval', 'Approved');
  const { status } = entry.object as CertificateSigningRequest;
  assert.equal(status?.conditions?.[0]?.type, 'Approved');
  assert.ok(status?.conditions?.[0]?.lastUpdateTime && status.conditions[0].lastTransitionTime);
  await assert.rejects(decide('approval'), /updates may not remove a condition of type "Approved"/);
  const signed = changed({ status: { certificate: 'LS0t', conditions: status.conditions } });
  await requests.update(context(), key, signed, { subresource: 'status' });
  await assert.rejects(
    requests.update(context(), key, changed({ status: { certificate: 'LS0u', conditions: status.conditions } }), { subresource: 'status' }),
    /may not modify existing certificate content/,
  );
  await registry.close();
});
