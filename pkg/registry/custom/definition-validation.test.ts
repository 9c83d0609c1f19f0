import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CustomResourceDefinition } from '../../api/generated/apiextensions-v1.ts';
import { loadRulesOf } from './custom-rules.ts';
import { validateDefinition } from './definition-validation.ts';

const version = (name: string, changes: object = {}): object => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { a: { type: 'string' }, l: { type: 'array', items: { type: 'string' } } } } },
    },
  },
  ...changes,
});

function definition(spec: object = {}, rest: { name?: string; status?: object; annotations?: object } = {}): CustomResourceDefinition {
  const names = { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' };
  return {
    metadata: { name: rest.name ?? 'widgets.example.com', ...(rest.annotations ? { annotations: rest.annotations } : {}) },
    spec: { group: 'example.com', scope: 'Namespaced', names, conversion: { strategy: 'None' }, versions: [version('v1')], ...spec },
    status: { acceptedNames: { plural: '', kind: '' }, storedVersions: ['v1'], ...rest.status },
  } as unknown as CustomResourceDefinition;
}

const faults = (of: CustomResourceDefinition): string[] => validateDefinition(of).map(({ field, message }) => `${field}: ${message}`);

describe('a CustomResourceDefinition', () => {
  it('is taken when all is well', () => {
    assert.deepEqual(faults(definition()), []);
    assert.deepEqual(faults(definition({ versions: [version('v1'), version('v2')] })), []);
  });

  it('is named after its plural and its group', () => {
    assert.deepEqual(faults(definition({}, { name: 'x.example.com' })), [
      'metadata.name: Invalid value: "x.example.com": must be spec.names.plural+"."+spec.group',
    ]);
    assert.match(
      faults(definition({ group: 'example' }, { name: 'widgets.example' }))[0] ?? '',
      /should be a domain with at least one dot/,
    );
  });

  it('has one storage version, which stays as long as objects are stored in it', () => {
    assert.match(faults(definition({ versions: [version('v1'), version('v1')] })).join(), /must contain unique version names/);
    assert.match(
      faults(definition({ versions: [version('v1', { storage: false })] })).join(),
      /must have exactly one version marked as storage version/,
    );
    assert.match(
      faults(definition({}, { status: { storedVersions: ['v0', 'v1'] } })).join(),
      /status.storedVersions\[0\]: Invalid value: "v0": missing from spec.versions; v0 was previously a storage version/,
    );
  });

  it('names what all its versions say alike without the version', () => {
    const scale = { subresources: { scale: { specReplicasPath: '.status.a', statusReplicasPath: '.status.a' } } };
    const fault = 'Invalid value: ".status.a": should be a json path under .spec';
    assert.deepEqual(faults(definition({ versions: [version('v1', scale)] })), [`spec.subresources.scale.specReplicasPath: ${fault}`]);
    assert.deepEqual(faults(definition({ versions: [version('v1'), version('v2', scale)] })), [
      `spec.versions[1].subresources.scale.specReplicasPath: ${fault}`,
    ]);
    const untyped = { schema: { openAPIV3Schema: { type: 'object', properties: { spec: {} } } } };
    assert.deepEqual(faults(definition({ versions: [version('v1', untyped)] })), [
      'spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields',
    ]);
  });

  it('lets objects be selected by scalar fields of its schema alone', () => {
    const selectableFields = ['.spec.a', '.spec.a', '.spec.l', '.spec.x', '.metadata.name', 'spec.a'].map((jsonPath) => ({ jsonPath }));
    assert.deepEqual(
      faults(definition({ versions: [version('v1', { selectableFields })] })).map((fault) => fault.replace(/^spec.selectableFields/, '')),
      [
        '[1].jsonPath: Duplicate value: ".spec.a"',
        '[2].jsonPath: Invalid value: ".spec.l": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        '[3].jsonPath: Invalid value: ".spec.x": is an invalid path: does not refer to a valid field',
        '[4].jsonPath: Invalid value: ".metadata.name": is an invalid path: does not refer to a valid field',
        '[5].jsonPath: Invalid value: "spec.a": is an invalid path: expected [ or . but got: spec',
      ],
    );
  });

  it('says how its webhook is reached', () => {
    const conversion = (clientConfig: object, conversionReviewVersions = ['v1']): CustomResourceDefinition =>
      definition({ conversion: { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions } } });
    assert.deepEqual(faults(conversion({ url: 'https://a.b/c' })), []);
    assert.deepEqual(faults(conversion({ service: { name: 'a', namespace: 'b', path: '/c', port: 443 } })), []);
    assert.match(faults(conversion({})).join(), /exactly one of url or service is required/);
    assert.match(faults(conversion({ url: 'http://a.b' })).join(), /'https' is the only allowed URL scheme/);
    assert.match(faults(conversion({ url: 'https://a.b' }, ['v9'])).join(), /must include at least one of v1, v1beta1/);
    assert.match(faults(definition({ conversion: { strategy: 'Webhook' } })).join(), /required when strategy is set to Webhook/);
  });

  it('needs an approval in groups that belong to the community', () => {
    const of = (annotations?: object) =>
      faults(definition({ group: 'x.k8s.io' }, { name: 'widgets.x.k8s.io', ...(annotations ? { annotations } : {}) }));
    assert.match(of().join(), /metadata.annotations\[api-approved.kubernetes.io\]: Required value/);
    assert.deepEqual(of({ 'api-approved.kubernetes.io': 'https://github.com/kubernetes/enhancements/pull/1' }), []);
    assert.deepEqual(of({ 'api-approved.kubernetes.io': 'unapproved, a trial' }), []);
    assert.match(of({ 'api-approved.kubernetes.io': 'yes' }).join(), /with either a URL or a reason/);
  });

  it('keeps what its resources hang on once it is established', () => {
    const old = definition({}, { status: { conditions: [{ type: 'Established', status: 'True' }] } });
    const change = (spec: object): string[] => validateDefinition(definition(spec), old).map(({ field = '' }) => field);
    const names = { ...old.spec.names, kind: 'Gadget' };
    assert.deepEqual(change({ scope: 'Cluster', names, group: 'x.example.com' }), ['spec.scope', 'spec.names.kind', 'spec.group']);
    assert.deepEqual(change({ names: { ...old.spec.names, shortNames: ['w'] } }), []);
  });

  it('keeps a webhook it can trust once it is established', () => {
    const status = { conditions: [{ type: 'Established', status: 'True' }] };
    const conversion = (caBundle: string): object => ({
      conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://x', caBundle } } },
    });
    const refused =
      'spec.conversion.webhookClientConfig.caBundle: Invalid value: "YWJj": ' +
      'unable to load root certificates: unable to parse bytes as PEM block';
    const change = (old: object, stored: object): string[] =>
      validateDefinition(definition(conversion('YWJj')), definition(old, stored)).map(({ field, message }) => `${field}: ${message}`);
    assert.deepEqual(change({}, { status }), [refused]);
    assert.deepEqual(change({}, {}), []);
    assert.deepEqual(change(conversion('Cg=='), { status }), []);
  });

  it('is not held up by a schema that is as it was, whatever is wrong with it', async () => {
    const bad = {
      schema: { openAPIV3Schema: { type: 'object', properties: { spec: {} }, 'x-kubernetes-validations': [{ rule: 'nonsense(' }] } },
    };
    const old = definition({ versions: [version('v1', bad)] });
    await loadRulesOf(old);
    assert.ok(faults(old).length > 0);
    const next = definition({ versions: [version('v1', { ...bad, additionalPrinterColumns: [] })] });
    assert.deepEqual(validateDefinition(next, old), []);
    const apart = definition({ versions: [version('v1', { ...bad, subresources: { status: {} } })] });
    assert.ok(validateDefinition(apart, old).length > 0);
  });

  it('has one place for what its versions say alike, so that they cannot share a schema and differ in selectable fields', () => {
    const select = (jsonPath: string) => ({ selectableFields: [{ jsonPath }] });
    const versions = [version('v1', select('.spec.a')), version('v2')];
    assert.deepEqual(faults(definition({ versions })), [
      'spec.versions[0].selectableFields: Invalid value: "": may only be set when `version.schema.openAPIV3Schema` is not included',
    ]);
  });
});
