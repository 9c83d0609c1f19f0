import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { events, nodes } from '../../api/generated/resources.ts';
import { Stage, type StageOptions } from '../testing.ts';
import { CidrPool } from './cidr-pool.ts';

const play = (story: (stage: Stage) => Promise<void>, options: StageOptions = {}): Promise<void> =>
  Stage.play({ controllers: ['nodeipam'], ...options }, story);
const make = (stage: Stage, name: string, podCIDR?: string) =>
  stage.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: podCIDR ? { podCIDR, podCIDRs: [podCIDR] } : {} });
const ranges = (stage: Stage): string[] => stage.all(nodes).map(({ spec }) => spec.podCIDR ?? '');

test('each node gets a /24 of its own, in order, and keeps the one it has', () =>
  play(async (stage) => {
    await make(stage, 'a', '10.244.1.0/24');
    for (const name of ['b', 'c', 'd']) await make(stage, name);
    await stage.advance(100);
    assert.deepEqual(ranges(stage), ['10.244.1.0/24', '10.244.0.0/24', '10.244.2.0/24', '10.244.3.0/24']);
    assert.deepEqual(stage.get(nodes, 'b').spec.podCIDRs, ['10.244.0.0/24']);
  }));

test('the range of a node that is gone is given out again', () =>
  play(async (stage) => {
    for (const name of ['a', 'b']) await make(stage, name);
    await stage.advance(100);
    await stage.delete(nodes, 'a');
    await stage.advance(100);
    await make(stage, 'c');
    await stage.advance(100);
    assert.deepEqual(ranges(stage), ['10.244.1.0/24', '10.244.0.0/24']);
  }));

test('when no range is left the node says so, and gets one when there is', () =>
  play(
    async (stage) => {
      for (const name of ['a', 'b', 'c']) await make(stage, name);
      await stage.advance(100);
      assert.deepEqual(ranges(stage), ['10.1.0.0/25', '10.1.0.128/25', '']);
      assert.ok(stage.all(events).some(({ reason }) => reason === 'CIDRNotAvailable'));
      await stage.delete(nodes, 'a');
      await stage.eventually('it has one', () => ranges(stage).join() === '10.1.0.128/25,10.1.0.0/25');
    },
    { clusterCIDR: '10.1.0.0/24', nodeCIDRMaskSize: 25 },
  ));

test('property: no two nodes ever have the same range', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(15)), { maxLength: 60 }), (steps) => {
      const pool = new CidrPool('10.0.0.0/20', 24);
      const held: string[] = [];
      for (const [take, at] of steps) {
        if (take) {
          const range = pool.take();
          assert.equal(range === undefined, held.length === 16);
          if (range) {
            assert.ok(!held.includes(range));
            held.push(range);
          }
        } else if (held[at]) {
          pool.release(held.splice(at, 1)[0] as string);
        }
      }
    }),
  );
  assert.throws(() => new CidrPool('10.0.0.0/25', 24), /cannot be divided/);
});
