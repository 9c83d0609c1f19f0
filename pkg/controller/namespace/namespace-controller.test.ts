import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../api/errors.ts';
import { configmaps, namespaces, pods, secrets } from '../../api/generated/resources.ts';
import { Stage, type StageOptions } from '../testing.ts';

const play = (story: (stage: Stage) => Promise<void>, options: StageOptions = {}): Promise<void> =>
  Stage.play({ controllers: ['namespace'], ...options }, async (stage) => {
    for (const name of ['shop', 'other']) {
      await stage.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      await stage.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: name } });
      await stage.create(configmaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: name } });
      await stage.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: name }, spec: { containers: [] } });
    }
    await stage.advance(2000);
    await story(stage);
  });
const condition = (stage: Stage, type: string) => stage.get(namespaces, 'shop').status.conditions?.find((each) => each.type === type);

test('everything in a namespace goes, pods first, and then the namespace itself', () =>
  play(async (stage) => {
    await stage.delete(namespaces, 'shop');
    await stage.advance(100);
    assert.equal(stage.get(namespaces, 'shop').status.phase, 'Terminating');
    assert.equal(stage.all(secrets, 'shop').length, 1, 'the pod still needs it');
    assert.equal(condition(stage, 'NamespaceContentRemaining')?.message, 'Some resources are remaining: pods. has 1 resource instances');
    await stage.eventually('gone', () => stage.all(namespaces).length === 1, 2000);
    assert.deepEqual([stage.all(secrets).length, stage.all(configmaps).length, stage.all(pods).length], [1, 1, 1]);
  }));

test('what has a finalizer holds the namespace, and is named', () =>
  play(async (stage) => {
    await stage.patch(configmaps, 'c', { metadata: { finalizers: ['example.com/keep'] } }, 'shop');
    await stage.delete(namespaces, 'shop');
    await stage.advance(60_000);
    assert.deepEqual(
      [condition(stage, 'NamespaceFinalizersRemaining')?.status, condition(stage, 'NamespaceFinalizersRemaining')?.message],
      ['True', 'Some content in the namespace has finalizers remaining: example.com/keep in 1 resource instances'],
    );
    assert.equal(condition(stage, 'NamespaceDeletionContentFailure')?.reason, 'ContentDeleted');
    await stage.patch(configmaps, 'c', { metadata: { finalizers: null } }, 'shop');
    await stage.eventually('gone', () => stage.all(namespaces).length === 1);
  }));

test('what cannot be deleted is reported and tried again', () =>
  play(async (stage) => {
    stage.server.intercept = ({ verb, ref }) => {
      if (verb === 'delete' && ref.resource === 'secrets') throw new ApiError('InternalError', 'broken');
    };
    await stage.delete(namespaces, 'shop');
    await stage.advance(10_000);
    assert.match(
      condition(stage, 'NamespaceDeletionContentFailure')?.message ?? '',
      /^Failed to delete all resource types, 1 remaining: secrets\.: broken$/,
    );
    stage.server.intercept = undefined;
    await stage.eventually('gone', () => stage.all(namespaces).length === 1);
  }));

test('a namespace that nobody deletes is left alone', () =>
  play(async (stage) => {
    const { revision } = stage.server;
    await stage.advance(600_000);
    assert.equal(stage.server.revision, revision);
  }));
