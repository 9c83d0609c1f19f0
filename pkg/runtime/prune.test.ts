import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isApiError } from '../api/errors.ts';
import { deepFreeze } from '../api/object.ts';
import { stringifyJson } from './json.ts';
import { type PruneOptions, pruneToSchema } from './prune.ts';
import { builtinDefinitions, builtinSchema } from './schema.ts';
import { sampleObject, seeded } from './testing/sample.ts';

const pod = builtinSchema('io.k8s.api.core.v1.Pod');
const deployment = builtinSchema('io.k8s.api.apps.v1.Deployment');
const configMap = builtinSchema('io.k8s.api.core.v1.ConfigMap');

function refused(value: unknown, schema = deployment, options: PruneOptions = {}): string {
  try {
    return `accepted: ${stringifyJson(pruneToSchema(value, schema, options).value)}`;
  } catch (error) {
    assert.ok(isApiError(error, 'BadRequest'), String((error as Error).stack));
    return error.message;
  }
}

describe('pruneToSchema', () => {
  it('leaves an object in canonical form as it is, for every type, and does not change what it is given', () => {
    for (const [index, name] of builtinDefinitions().entries()) {
      const schema = builtinSchema(name);
      if (schema.kind !== 'object') continue;
      const object = deepFreeze(sampleObject(schema, seeded(index), 0.6));
      const pruned = pruneToSchema(object, schema);
      assert.deepEqual(pruned, { value: object, unknown: [], problems: [] }, name);
    }
  });

  it('comes to rest: pruning what was pruned changes nothing', () => {
    fc.assert(
      fc.property(fc.nat(), fc.jsonValue({ maxDepth: 3 }), (seed, junk) => {
        const object = { ...sampleObject(pod, seeded(seed), 0.4), junk, status: { podIPs: [], message: '', conditions: null } };
        const once = pruneToSchema(object, pod).value;
        assert.deepEqual(pruneToSchema(once, pod), { value: once, unknown: [], problems: [] });
      }),
      { numRuns: 50 },
    );
  });

  it('reports unknown fields by their path, and leaves them out', () => {
    const { value, unknown } = pruneToSchema({ spec: { foo: 1, containers: [{ name: 'a', bar: { baz: 1 } }] }, toString: 1 }, pod);
    assert.deepEqual(unknown, ['spec.foo', 'spec.containers[0].bar', 'toString']);
    assert.deepEqual(value, { spec: { containers: [{ name: 'a' }] } });
    assert.deepEqual(pruneToSchema({ foo: 1 }, pod, { fieldValidation: 'Ignore' }).unknown, []);
  });

  it('with Strict refuses unknown and duplicate fields, all at once, in the order of the document', () => {
    const spec = { foo: 1, replicas: 2, bar: 2, template: { metadata: { labels: { a: '1' } } } };
    const duplicates = ['spec.foo', 'spec.replicas', 'spec.template.metadata.labels.a'];
    const prefix = 'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ';
    const texts = [
      'unknown field "spec.foo"',
      'duplicate field "spec.replicas"',
      'unknown field "spec.bar"',
      'duplicate field "spec.template.metadata.labels.a"',
    ];
    const value = { apiVersion: 'apps/v1', kind: 'Deployment', spec };
    assert.equal(refused(value, deployment, { fieldValidation: 'Strict', duplicates }), prefix + texts.join(', '));
    assert.deepEqual(pruneToSchema(value, deployment, { duplicates }).problems, texts);
    const inYaml = 'line 3: key "replicas" already set in map';
    assert.deepEqual(pruneToSchema(value, deployment, { duplicates: [inYaml] }).problems, [inYaml, texts[0], texts[2]]);
    assert.deepEqual(pruneToSchema(value, deployment, { duplicates, fieldValidation: 'Ignore' }).problems, []);
  });

  it("refuses a wrong type in the words of Go's decoder", () => {
    const prefix = 'Deployment in version "v1" cannot be handled as a Deployment: ';
    const cases: readonly [value: unknown, message: string][] = [
      [{ spec: { replicas: 'x' } }, 'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32'],
      [{ spec: { replicas: 1.5 } }, 'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32'],
      [
        { spec: { replicas: 2 ** 40 } },
        'json: cannot unmarshal number 1099511627776 into Go struct field DeploymentSpec.spec.replicas of type int32',
      ],
      [{ spec: [] }, 'json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec'],
      [{ metadata: { labels: { a: 1 } } }, 'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string'],
      [
        { metadata: { labels: [] } },
        'json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string',
      ],
      [
        { spec: { template: { spec: { containers: { name: 'a' } } } } },
        'json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
      ],
      [
        { spec: { template: { spec: { containers: [{ ports: [{ containerPort: 'http' }] }] } } } },
        'json: cannot unmarshal string into Go struct field ContainerPort.spec.template.spec.containers.ports.containerPort of type int32',
      ],
      [
        { spec: { template: { spec: { containers: [{ ports: [{ protocol: 1 }] }] } } } },
        'json: cannot unmarshal number into Go struct field ContainerPort.spec.template.spec.containers.ports.protocol of type v1.Protocol',
      ],
      [
        { spec: { template: { spec: { containers: [{ resources: { limits: { cpu: 'lots' } } }] } } } },
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      ],
      [{ metadata: { creationTimestamp: 'now' } }, 'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"'],
      [{ spec: { strategy: { rollingUpdate: { maxSurge: true } } } }, 'json: cannot unmarshal bool into Go value of type int32'],
    ];
    for (const [value, message] of cases) assert.equal(refused(value), prefix + message);
    assert.match(refused([]), /cannot unmarshal array into Go value of type v1\.Deployment$/);
  });

  it('takes null for "not set", and in maps and lists for the zero value', () => {
    assert.deepEqual(pruneToSchema({ metadata: null, data: { a: null }, immutable: null }, configMap).value, { data: { a: '' } });
    assert.deepEqual(pruneToSchema({ spec: { containers: [null], tolerations: null } }, pod).value, { spec: { containers: [{}] } });
  });

  it("takes Go's zero values for absence where the field is no pointer, unless told to keep them", () => {
    const value = {
      spec: { hostNetwork: false, nodeName: '', tolerations: [], nodeSelector: {}, terminationGracePeriodSeconds: 0, containers: [] },
    };
    assert.deepEqual(pruneToSchema(value, pod).value, { spec: { terminationGracePeriodSeconds: 0, containers: [] } });
    assert.deepEqual(pruneToSchema(value, pod, { keepZeros: true }).value, value);
  });

  it('brings quantities, times and bytes into their canonical form', () => {
    const times = (text: string): unknown => {
      const { value } = pruneToSchema({ metadata: { creationTimestamp: text } }, pod);
      return (value['metadata'] as Record<string, unknown>)['creationTimestamp'];
    };
    assert.equal(times('2024-01-01T00:00:00Z'), '2024-01-01T00:00:00Z');
    assert.equal(times('2024-01-01T01:30:00.999+01:30'), '2024-01-01T00:00:00Z');
    assert.equal(times('0000-01-01T00:00:00Z'), '0000-01-01T00:00:00Z');
    assert.equal(times('2023-12-31T23:00:00-01:00'), '2024-01-01T00:00:00Z');
    for (const bad of ['2024-02-30T00:00:00Z', '2024-13-01T00:00:00Z', '2024-01-01T24:00:00Z', '2024-01-01', '0000-01-01T00:00:00+01:00']) {
      assert.match(refused({ metadata: { creationTimestamp: bad } }), /parsing time/, bad);
    }
    const lease = builtinSchema('io.k8s.api.coordination.v1.Lease');
    assert.deepEqual(pruneToSchema({ spec: { renewTime: '2024-01-01T00:00:00.000001Z' } }, lease).value, {
      spec: { renewTime: '2024-01-01T00:00:00.000001Z' },
    });
    assert.match(refused({ spec: { renewTime: '2024-01-01T00:00:00Z' } }, lease), /cannot parse "Z" as "\.000000"/);
    assert.deepEqual(pruneToSchema({ binaryData: { a: 'aGVs\nbG8=' } }, configMap).value, { binaryData: { a: 'aGVsbG8=' } });
    assert.match(refused({ binaryData: { a: 'a!' } }, configMap), /illegal base64 data at input byte 1/);
  });

  it('keeps map keys of any name, and integers of 64 bits', () => {
    const value = JSON.parse('{"data":{"__proto__":"x","constructor":"y"}}');
    assert.equal(JSON.stringify(pruneToSchema(value, configMap).value), JSON.stringify(value));
    const big = { spec: { activeDeadlineSeconds: 2n ** 62n } };
    assert.deepEqual(pruneToSchema(big, pod).value, big);
    assert.match(refused({ spec: { activeDeadlineSeconds: 2n ** 63n } }, pod), /cannot unmarshal number 9223372036854775808/);
  });

  it('never throws anything but BadRequest, whatever stands in the fields', () => {
    const values = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.bigInt());
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.tuple(fc.nat(), values), { maxLength: 3 }), (seed, changes) => {
        const object = sampleObject(pod, seeded(seed), 0.5);
        const places: [Record<string, unknown>, string][] = [];
        const collect = (node: unknown): void => {
          if (typeof node !== 'object' || node === null) return;
          for (const key in node) {
            places.push([node as Record<string, unknown>, key]);
            collect((node as Record<string, unknown>)[key]);
          }
        };
        collect(object);
        for (const [index, value] of changes) {
          const [holder, key] = places[index % places.length] as [Record<string, unknown>, string];
          holder[key] = value;
        }
        refused(object, pod);
      }),
      { numRuns: 300 },
    );
  });
});
