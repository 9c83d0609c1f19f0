import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodes, pods } from '../../api/generated/resources.ts';
import { Stage, type StageOptions } from '../testing.ts';
import { outOfServiceTaint } from './decide.ts';

const play = (story: (stage: Stage) => Promise<void>, options: StageOptions = {}): Promise<void> =>
  Stage.play({ controllers: ['podgc'], nodes: [], ...options }, story);
const pod = (stage: Stage, name: string, nodeName?: string) =>
  stage.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [], ...(nodeName ? { nodeName } : {}) } });
const names = (stage: Stage): string[] => stage.all(pods).map(({ metadata }) => metadata.name);

test('pods of a node that no longer exists go after 40 s, declared failed first', () =>
  play(async (stage) => {
    await stage.addNode('node-1');
    stage.kill('node-2');
    await pod(stage, 'here', 'node-1');
    await pod(stage, 'lost', 'node-2');
    await stage.advance(39_000);
    assert.deepEqual(names(stage), ['here', 'lost']);
    let phase: string | undefined;
    stage.server.intercept = ({ verb, name }) => {
      if (verb === 'delete') phase = stage.get(pods, name).status.phase;
    };
    await stage.eventually('it is gone', () => names(stage).join() === 'here');
    assert.equal(phase, 'Failed');
  }));

test('a pod that was never assigned and is to be deleted goes', () =>
  play(async (stage) => {
    await pod(stage, 'a');
    await stage.patch(pods, 'a', { metadata: { finalizers: ['example.com/x'] } });
    await stage.delete(pods, 'a');
    await stage.patch(pods, 'a', { metadata: { finalizers: null } });
    await stage.eventually('gone', () => names(stage).length === 0);
  }));

test('of the ended pods the oldest go when there are more than the threshold', () =>
  play(
    async (stage) => {
      for (const name of ['c', 'a', 'b', 'd']) {
        await pod(stage, name);
        if (name !== 'd') await stage.patchStatus(pods, name, { phase: 'Succeeded' });
        await stage.advance(2000);
      }
      await stage.eventually('the oldest is gone', () => names(stage).join() === 'a,b,d');
      await stage.advance(60_000);
      assert.deepEqual(names(stage), ['a', 'b', 'd']);
    },
    { terminatedPodGCThreshold: 2 },
  ));

test('what is to be deleted on a node that an operator has declared out of service goes at once', () =>
  play(async (stage) => {
    await stage.addNode('node-1');
    await pod(stage, 'a', 'node-1');
    stage.kill('node-1');
    await stage.delete(pods, 'a');
    await stage.advance(60_000);
    assert.deepEqual(names(stage), ['a']);
    await stage.report('node-1', 'False');
    await stage.patch(nodes, 'node-1', { spec: { taints: [{ key: outOfServiceTaint, value: 'nodeshutdown', effect: 'NoExecute' }] } });
    await stage.eventually('gone', () => names(stage).length === 0);
  }));
