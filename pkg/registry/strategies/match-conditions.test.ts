import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInvalid } from '../../api/errors.ts';
import { object, storageOf } from '../testing/objects.ts';
import { testRegistry } from '../testing/test-registry.ts';

const group = 'admissionregistration.k8s.io';
const webhooks = (expression: string) =>
  object(`${group}/v1`, 'ValidatingWebhookConfiguration', 'w', {
    webhooks: [
      {
        name: 'a.example.com',
        clientConfig: { url: 'https://example.com/' },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        matchConditions: [
          { name: 'fine', expression: 'true' },
          { name: 'asked', expression },
        ],
      },
    ],
  });

test('a webhook whose match condition does not compile is refused, when it is made and when it is changed', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'validatingwebhookconfigurations', group);
  const refusal = (error: Error): boolean => {
    assert.ok(isInvalid(error));
    assert.match(
      error.message,
      /webhooks\[0\]\.matchConditions\[1\]\.expression: Invalid value: .*: compilation failed: ERROR: <input>:1:1/,
    );
    return true;
  };
  await assert.rejects(storage.create(context(), '', webhooks('... [] bad')), refusal);
  await storage.create(context(), '', webhooks("request.operation == 'CREATE'"));
  await assert.rejects(
    storage.update(
      context(),
      { namespace: '', name: 'w' },
      (current) => ({ ...current, ...webhooks('... [] bad'), metadata: current?.metadata }) as never,
    ),
    refusal,
  );
  await registry.close();
});

test('a policy may ask for its parameters, and must ask for a truth value', async () => {
  const { registry, context } = await testRegistry();
  const storage = storageOf(registry, 'validatingadmissionpolicies', group);
  const policy = (name: string, expression: string) =>
    object(`${group}/v1`, 'ValidatingAdmissionPolicy', name, {
      spec: {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }] },
        matchConditions: [{ name: 'a', expression }],
        validations: [{ expression: 'true' }],
      },
    });
  await storage.create(context(), '', policy('good', "params.data.on == 'yes'"));
  await assert.rejects(
    storage.create(context(), '', policy('bad', 'params.data.on')),
    /spec\.matchConditions\[0\]\.expression: .*must evaluate to bool/,
  );
  await registry.close();
});
