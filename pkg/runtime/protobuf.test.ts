import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isApiError } from '../api/errors.ts';
import { decodeProtobuf, encodeProtobuf, hasProtobuf, protobufWatchFrame } from './protobuf.ts';
import { pruneToSchema } from './prune.ts';
import { builtinDefinitions, builtinSchema } from './schema.ts';
import { sampleObject, seeded } from './testing/sample.ts';

const kinds = builtinDefinitions()
  .map(builtinSchema)
  .filter((schema) => schema.gvk.length > 0 && schema.fields.has('kind'));

function thrown(bytes: Uint8Array): unknown {
  try {
    return decodeProtobuf(bytes) && undefined;
  } catch (error) {
    return error;
  }
}

describe('protobuf', () => {
  it('gives back every built-in kind as JSON has it', () => {
    for (const [index, schema] of kinds.entries()) {
      for (const likelihood of [0, 0.3, 0.7]) {
        const object = sampleObject(schema, seeded(index), likelihood);
        const back = decodeProtobuf(encodeProtobuf(object));
        const { value } = pruneToSchema(back, schema);
        assert.deepEqual(value, pruneToSchema(object, schema).value, schema.definition ?? '');
      }
    }
  });

  it('writes equal objects as equal bytes, whatever the order of their keys', () => {
    const a = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', labels: { b: '1', a: '2' } }, data: { y: '1', x: '2' } };
    const b = { data: { x: '2', y: '1' }, metadata: { labels: { a: '2', b: '1' }, name: 'x' }, kind: 'ConfigMap', apiVersion: 'v1' };
    assert.deepEqual(encodeProtobuf(a), encodeProtobuf(b));
  });

  it('is byte for byte what Go writes: values that are no pointers are always there', () => {
    const bytes = encodeProtobuf({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } });
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const envelope = '6b387300' + '0a0f' + '0a027631' + '1209436f6e6669674d6170';
    const metadata = '0a01611200' + '1a00' + '2200' + '2a00' + '3200' + '3800' + '4200';
    const raw = `0a${(metadata.length / 2).toString(16)}${metadata}`;
    assert.equal(hex, `${envelope}12${(raw.length / 2).toString(16)}${raw}1a002200`);
  });

  it('takes zero values that are no pointers for unset, and keeps those of pointers', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a' },
      spec: {
        hostNetwork: false,
        terminationGracePeriodSeconds: 0,
        automountServiceAccountToken: false,
        containers: [{ name: 'c', tty: false }],
      },
    };
    const back = decodeProtobuf(encodeProtobuf(pod)) as typeof pod;
    assert.equal('hostNetwork' in back.spec, false);
    assert.equal(back.spec.terminationGracePeriodSeconds, 0);
    assert.equal(back.spec.automountServiceAccountToken, false);
    assert.deepEqual(back.spec.containers, [{ name: 'c', resources: {} }]);
  });

  it('finds an object in bytes that are packed, repeated or unknown in ways that Go accepts', () => {
    // ObjectMeta.name twice: the last one counts; field 99 is skipped.
    const raw = [0x0a, 0x06, 0x0a, 0x01, 0x61, 0x0a, 0x01, 0x62, 0x9a, 0x06, 0x01, 0x78];
    const bytes = Uint8Array.of(0x6b, 0x38, 0x73, 0, 0x12, raw.length, ...raw);
    assert.deepEqual(decodeProtobuf(bytes, ['', 'v1', 'ConfigMap']), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' } });
    // runAsGroups packed: PodSecurityContext.supplementalGroups = [1, 300].
    const context = [0x22, 0x03, 0x01, 0xac, 0x02];
    const spec = [0x72, context.length, ...context];
    const pod = [0x12, spec.length, ...spec];
    assert.deepEqual(decodeProtobuf(Uint8Array.of(0x6b, 0x38, 0x73, 0, 0x12, pod.length, ...pod), ['', 'v1', 'Pod']), {
      apiVersion: 'v1',
      kind: 'Pod',
      spec: { securityContext: { supplementalGroups: [1, 300] } },
    });
  });

  it('answers any bytes with an object or BadRequest', () => {
    const whole = encodeProtobuf(sampleObject(builtinSchema('io.k8s.api.core.v1.Pod'), seeded(7), 0.8));
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(whole.length - 1),
        fc.nat(255),
        fc.nat(whole.length),
        (noise, at, byte, length) => {
          const damaged = whole.slice();
          damaged[at] = byte;
          for (const bytes of [noise, Uint8Array.of(0x6b, 0x38, 0x73, 0, ...noise), damaged, whole.subarray(0, length)]) {
            const error = thrown(bytes);
            assert.ok(error === undefined || isApiError(error, 'BadRequest'), String(error));
          }
        },
      ),
    );
  });

  it('refuses nesting without end', () => {
    let schema: number[] = [];
    // JSONSchemaProps.not (field 28) within itself.
    for (let i = 0; i < 2000; i++) {
      const length =
        schema.length < 128
          ? [schema.length]
          : schema.length < 16384
            ? [(schema.length & 127) | 128, schema.length >> 7]
            : [(schema.length & 127) | 128, ((schema.length >> 7) & 127) | 128, schema.length >> 14];
      schema = [0xe2, 0x01, ...length, ...schema];
    }
    const field = (number: number, content: number[]): number[] => [
      number * 8 + 2,
      (content.length & 127) | 128,
      ((content.length >> 7) & 127) | 128,
      content.length >> 14,
      ...content,
    ];
    const crd = field(2, field(7, field(4, field(1, schema))));
    const bytes = Uint8Array.from([0x6b, 0x38, 0x73, 0, ...field(2, crd)]);
    const error = (() => {
      try {
        return decodeProtobuf(bytes, ['apiextensions.k8s.io', 'v1', 'CustomResourceDefinition']);
      } catch (caught) {
        return caught;
      }
    })();
    assert.ok(isApiError(error, 'BadRequest'), JSON.stringify(error).slice(0, 200));
  });

  it('frames a watch event by its length, the object in its own envelope', () => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } };
    const frame = protobufWatchFrame('ADDED', object);
    assert.equal(new DataView(frame.buffer, frame.byteOffset).getUint32(0), frame.length - 4);
    const text = String.fromCharCode(...frame);
    assert.equal(text.slice(4, 11), '\n\x05ADDED');
    const document = frame.subarray(text.indexOf('k8s\0'));
    assert.deepEqual(decodeProtobuf(document), object);
  });

  it('is not offered for custom resources', () => {
    assert.equal(hasProtobuf('example.com/v1', 'Thing'), false);
    assert.throws(
      () => encodeProtobuf({ apiVersion: 'example.com/v1', kind: 'Thing' }),
      (error) => isApiError(error, 'NotAcceptable'),
    );
  });
});
