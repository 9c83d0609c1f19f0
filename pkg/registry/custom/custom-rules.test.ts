import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isApiError } from '../../api/errors.ts';
import type { CustomResourceDefinition, JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import type { ResourceStorage } from '../contract.ts';
import { changed, object, storageOf } from '../testing/objects.ts';
import { type TestRegistry, testRegistry } from '../testing/test-registry.ts';
import { isEstablished } from './definition-status.ts';

const integer: JSONSchemaProps = { type: 'integer' };
const schema: JSONSchemaProps = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        min: integer,
        size: integer,
        colour: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'colour is immutable' }] },
        label: { type: 'string', maxLength: 5 },
      },
      'x-kubernetes-validations': [
        {
          rule: '!has(self.min) || self.min <= self.size',
          messageExpression: "'size is %d, and at least %d is needed'.format([self.size, self.min])",
          fieldPath: '.size',
        },
      ],
    },
    status: { type: 'object', properties: { ready: { type: 'boolean' } } },
  },
};
const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, subresources: { status: {} } };
const spec = { group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', kind: 'Widget' }, versions: [version] };

const definitionsOf = ({ registry }: TestRegistry): ResourceStorage =>
  storageOf(registry, 'customresourcedefinitions', 'apiextensions.k8s.io');
const key = { namespace: 'default', name: 'w' };
const widget = (of: object): KubeObject => object('example.com/v1', 'Widget', 'w', { spec: of });

async function define(test: TestRegistry, of: object = spec): Promise<ResourceStorage> {
  const name = 'widgets.example.com';
  await definitionsOf(test).create(test.context(), '', object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', name, { spec: of }));
  const end = new AbortController();
  for await (const batch of definitionsOf(test).watch(test.context(), { namespace: '', bookmarks: false, signal: end.signal })) {
    for (const event of batch) {
      if (event.type !== 'BOOKMARK' && isEstablished(event.entry.object as unknown as CustomResourceDefinition)) end.abort();
    }
  }
  return storageOf(test.registry, 'widgets', 'example.com');
}

async function refusal(write: Promise<unknown>): Promise<string[]> {
  try {
    await write;
    return [];
  } catch (error) {
    assert.ok(isApiError(error, 'Invalid'), String(error));
    return (error.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);
  }
}

describe('rules of custom resources', () => {
  it('refuse what they do not allow, in the words of the rule, at the field it names', async () => {
    const test = await testRegistry();
    const widgets = await define(test);
    assert.deepEqual(await refusal(widgets.create(test.context(), 'default', widget({ min: 3, size: 2 }))), [
      'spec.size: Invalid value: size is 2, and at least 3 is needed',
    ]);
    assert.deepEqual(await refusal(widgets.create(test.context(), 'default', widget({ min: 3, size: 3 }))), []);
    await test.registry.close();
  });

  it('compare with what is there now', async () => {
    const test = await testRegistry();
    const widgets = await define(test);
    await widgets.create(test.context(), 'default', widget({ colour: 'red' }));
    const recolour = widgets.update(test.context(), key, changed({ spec: { colour: 'blue' } }));
    assert.deepEqual(await refusal(recolour), ['spec.colour: Invalid value: "blue": colour is immutable']);
    assert.deepEqual(await refusal(widgets.update(test.context(), key, changed({ spec: { colour: 'red', size: 1 } }))), []);
    await test.registry.close();
  });

  it('are not asked about objects that do not fit their schema', async () => {
    const test = await testRegistry();
    const widgets = await define(test);
    const causes = await refusal(widgets.create(test.context(), 'default', widget({ min: 'x', size: 2 })));
    assert.equal(causes.length, 2);
    assert.equal(
      causes[1],
      '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    );
    await test.registry.close();
  });

  it('only warn of what was there before them', async () => {
    const test = await testRegistry();
    const plain = {
      ...version,
      schema: {
        openAPIV3Schema: {
          ...schema,
          properties: {
            spec: { type: 'object', properties: { min: integer, size: integer, label: { type: 'string' } } },
            status: schema.properties?.['status'],
          },
        },
      },
    };
    await define(test, { ...spec, versions: [plain] });
    const before = storageOf(test.registry, 'widgets', 'example.com');
    await before.create(test.context(), 'default', widget({ min: 3, size: 2 }));
    await definitionsOf(test).update(test.context(), { namespace: '', name: 'widgets.example.com' }, changed({ spec }));
    const widgets = storageOf(test.registry, 'widgets', 'example.com');
    const warnings: string[] = [];
    const context = { ...test.context(), warn: (text: string) => void warnings.push(text) };
    await widgets.update(context, key, changed({ status: { ready: true } }), { subresource: 'status' });
    assert.deepEqual(warnings, ['spec.size: Invalid value: size is 2, and at least 3 is needed']);
    assert.equal((await refusal(widgets.update(test.context(), key, changed({ spec: { min: 4, size: 2 } })))).length, 1);
    await test.registry.close();
  });

  it('that make no sense, or cost too much, are refused with their definition', async () => {
    const test = await testRegistry();
    const ruled = (rule: string): object => {
      const props = { list: { type: 'array', items: { type: 'string' } }, size: integer };
      const openAPIV3Schema = {
        type: 'object',
        properties: { spec: { type: 'object', properties: props, 'x-kubernetes-validations': [{ rule }] } },
      };
      return { ...spec, versions: [{ ...version, schema: { openAPIV3Schema } }] };
    };
    const at = 'spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule';
    const [unknown = ''] = await refusal(define(test, ruled('self.sise > 1')));
    assert.ok(unknown.startsWith(`${at}: Invalid value: {"Rule":"self.sise \\u003e 1",`), unknown);
    assert.ok(unknown.endsWith("compilation failed: ERROR: <input>:1:5: undefined field 'sise'\n | self.sise > 1\n | ....^"), unknown);
    const [dear = ''] = await refusal(define(test, ruled('self.list.all(x, self.list.all(y, x == y))')));
    assert.ok(dear.startsWith(`${at}: Forbidden: estimated rule cost exceeds budget by factor of more than 100x`), dear);
    await test.registry.close();
  });
});
