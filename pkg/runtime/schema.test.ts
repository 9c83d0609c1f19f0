import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import definitions from '../api/facts/definitions.json' with { type: 'json' };
import type { DefinitionFact } from '../api/facts.ts';
import { builtinDefinitions, builtinSchema, definitionOfKind, hasBuiltinSchema } from './schema.ts';

const facts = definitions as unknown as Record<string, DefinitionFact>;

describe('schema', () => {
  it('has every field of every type of the facts, with what they say of it', () => {
    for (const [name, fact] of Object.entries(facts)) {
      assert.ok(hasBuiltinSchema(name), name);
      const schema = builtinSchema(name);
      if (!fact.fields) continue;
      assert.deepEqual([...schema.fields.keys()], Object.keys(fact.fields), name);
      for (const [key, field] of Object.entries(fact.fields)) {
        const linked = schema.fields.get(key);
        const place = `${name}.${key}`;
        assert.equal(linked?.required, fact.required?.includes(key) ?? false, place);
        assert.equal(linked?.patchMergeKey, field['patch-merge-key'], place);
        if (field.ref) assert.equal(linked?.schema.definition, field.ref, place);
        if (field.items) assert.equal(linked?.schema.kind, 'array', place);
        if (field['list-type']) assert.equal(linked?.schema.listType, field['list-type'], place);
        if (field['list-map-keys']) assert.deepEqual(linked?.schema.listKeys, field['list-map-keys'], place);
        if (field.map) assert.equal(linked?.schema.kind, 'map', place);
      }
    }
  });

  it('is linked through to the end: no reference leads nowhere', () => {
    for (const name of builtinDefinitions()) {
      for (const { schema } of builtinSchema(name).fields.values()) {
        const inner = schema.kind === 'array' || schema.kind === 'map' ? schema.items : schema;
        assert.ok(inner, name);
      }
    }
  });

  it('knows what a field of Go is: a pointer, a value, a struct that is always there', () => {
    const pod = builtinSchema('io.k8s.api.core.v1.PodSpec').fields;
    assert.equal(pod.get('hostNetwork')?.value, true);
    assert.equal(pod.get('automountServiceAccountToken')?.value, false);
    assert.equal(builtinSchema('io.k8s.api.core.v1.Container').fields.get('resources')?.alwaysPresent, true);
    assert.equal(builtinSchema('io.k8s.api.core.v1.EphemeralContainer').fields.get('resources')?.alwaysPresent, true);
    assert.equal(builtinSchema('io.k8s.api.core.v1.ContainerStatus').fields.get('restartCount')?.zero, 0);
    assert.equal(builtinSchema('io.k8s.api.core.v1.ContainerPort').fields.get('protocol')?.default, 'TCP');
    assert.equal(builtinSchema('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta').fields.get('creationTimestamp')?.alwaysPresent, false);
  });

  it('finds a type by its kind', () => {
    assert.equal(definitionOfKind('apps', 'v1', 'Deployment'), 'io.k8s.api.apps.v1.Deployment');
    assert.equal(definitionOfKind('', 'v1', 'PodList'), 'io.k8s.api.core.v1.PodList');
    assert.equal(definitionOfKind('meta.k8s.io', 'v1', 'PartialObjectMetadata')?.split('.').pop(), 'PartialObjectMetadata');
    assert.equal(definitionOfKind('meta.k8s.io', 'v1', 'DeleteOptions')?.split('.').pop(), 'DeleteOptions');
    assert.equal(definitionOfKind('meta.k8s.io', 'v1', 'Pod'), undefined);
    assert.equal(definitionOfKind('', 'v1', 'Deployment'), undefined);
  });

  it('refuses a type that is not there, also one named like a property of objects', () => {
    assert.throws(() => builtinSchema('io.k8s.api.core.v1.Nothing'));
    assert.equal(hasBuiltinSchema('toString'), false);
    assert.throws(() => builtinSchema('toString'));
  });

  it('takes map-type from the field where the field says otherwise than the type', () => {
    assert.equal(builtinSchema('io.k8s.api.core.v1.ObjectReference').atomic, true);
    assert.equal(builtinSchema('io.k8s.api.core.v1.PersistentVolumeSpec').fields.get('claimRef')?.schema.atomic, false);
  });
});
