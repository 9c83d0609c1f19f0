import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { onNode, onPod } from './cluster-event.ts';
import type { Plugin } from './framework.ts';
import { KeyedHeap } from './heap.ts';
import { prioritySort } from './plugins/priority-sort.ts';
import { schedulingGates } from './plugins/scheduling-gates.ts';
import { type QueuedPod, SchedulingQueue } from './queue.ts';
import { nodeOf, type PodRow, podInfo } from './testing.ts';

const picky: Plugin = { name: 'Picky', events: [onNode(['NodeAdd'], (_pod, node) => node.metadata.name === 'right')] };
const social: Plugin = { name: 'Social', events: [onPod(['AssignedPodAdd'])] };

function createQueue() {
  const clock = new VirtualClock();
  const queue = new SchedulingQueue({ clock, plugins: [prioritySort, schedulingGates, picky, social] });
  const stop = new AbortController();
  /** The next pod, or undefined if none is ready without time passing. */
  const pop = async (): Promise<QueuedPod | undefined> => {
    let popped: QueuedPod | undefined;
    const once = new AbortController();
    const waiting = queue.pop(AbortSignal.any([once.signal, stop.signal])).then((pod) => {
      popped = pod;
    });
    await clock.advance(0);
    once.abort();
    await waiting;
    return popped;
  };
  return { clock, queue, pop };
}
const names = (pod: QueuedPod | undefined): string | undefined => pod?.pod.pod.metadata.name;
const uid = (row: PodRow): string => podInfo(row).uid;

test('the most important pod comes first, then the oldest', async () => {
  const { queue, pop, clock } = createQueue();
  queue.add(podInfo({ name: 'a' }));
  await clock.advance(1);
  queue.add(podInfo({ name: 'b' }));
  queue.add(podInfo({ name: 'c', priority: 1 }));
  assert.deepEqual([names(await pop()), names(await pop()), names(await pop())], ['c', 'a', 'b']);
  assert.equal(await pop(), undefined);
});

test('a rejected pod sleeps until its plugin says that an event may help', async () => {
  const { queue, pop } = createQueue();
  queue.add(podInfo({ name: 'a' }));
  await pop();
  assert.equal(queue.requeue(uid({ name: 'a' }), new Set(['Picky'])), 'unschedulable');
  assert.equal(queue.move({ kind: 'NodeAdd', after: nodeOf({ name: 'wrong' }) }), 0);
  assert.equal(queue.move({ kind: 'AssignedPodAdd', after: podInfo({ name: 'x' }) }), 0);
  assert.equal(await pop(), undefined);
  assert.equal(queue.move({ kind: 'NodeAdd', after: nodeOf({ name: 'right' }) }, [7]), 1);
  assert.equal(queue.placeOf(uid({ name: 'a' })), 'backoff');
  const again = await pop();
  assert.equal(names(again), 'a', 'an idle scheduler does not wait for the back-off');
  assert.deepEqual(again?.causes, [7]);
  assert.equal(again?.attempts, 2);
});

test('an event while the pod was being tried is not lost', async () => {
  const { queue, pop } = createQueue();
  queue.add(podInfo({ name: 'a' }));
  queue.move({ kind: 'NodeAdd', after: nodeOf({ name: 'right' }) });
  await pop();
  queue.move({ kind: 'NodeAdd', after: nodeOf({ name: 'wrong' }) });
  assert.equal(queue.requeue(uid({ name: 'a' }), new Set(['Picky'])), 'unschedulable', 'what came before the pop was seen');
  queue.move({ kind: 'NodeAdd', after: nodeOf({ name: 'right' }) });
  await pop();
  queue.move({ kind: 'NodeAdd', after: nodeOf({ name: 'right' }) });
  assert.equal(queue.requeue(uid({ name: 'a' }), new Set(['Picky'])), 'backoff');
});

test('pods that can be tried go before those that back off; a long wait ends the back-off', async () => {
  const { queue, pop, clock } = createQueue();
  queue.add(podInfo({ name: 'tried' }));
  await pop();
  queue.requeue(uid({ name: 'tried' }), new Set(['Social']));
  queue.move({ kind: 'AssignedPodAdd', after: podInfo({ name: 'x' }) });
  queue.add(podInfo({ name: 'fresh' }));
  assert.equal(names(await pop()), 'fresh');
  queue.requeue(uid({ name: 'fresh' }), new Set(['Picky']));
  await clock.advance(1000);
  assert.equal(names(await pop()), 'tried');
});

test('after errors the back-off doubles from 1 s to 10 s and is waited for', async () => {
  const { queue, pop, clock } = createQueue();
  queue.add(podInfo({ name: 'a' }));
  await pop();
  for (const seconds of [1, 2, 4, 8, 10, 10]) {
    assert.equal(queue.requeue(uid({ name: 'a' }), new Set()), 'backoff');
    await clock.advance(seconds * 1000 - 1);
    assert.equal(await pop(), undefined, `before ${seconds} s`);
    await clock.advance(1);
    assert.equal(names(await pop()), 'a');
  }
});

test('what sleeps for five minutes is tried again', async () => {
  const { queue, pop, clock } = createQueue();
  queue.add(podInfo({ name: 'a' }));
  await pop();
  queue.requeue(uid({ name: 'a' }), new Set(['Picky']));
  await clock.advance(299_999);
  assert.equal(await pop(), undefined);
  await clock.advance(1);
  assert.equal(names(await pop()), 'a');
});

test('a gated pod waits outside and enters when its gate opens', async () => {
  const { queue, pop } = createQueue();
  const gated = podInfo({ name: 'a', spec: { schedulingGates: [{ name: 'g' }] } });
  queue.add(gated);
  assert.equal(queue.placeOf(gated.uid), 'gated');
  assert.equal(await pop(), undefined);
  queue.update(gated, podInfo({ name: 'a' }));
  assert.equal(names(await pop()), 'a');
});

test('a pod that was deleted while tried does not come back; one updated comes back as it is now', async () => {
  const { queue, pop } = createQueue();
  queue.add(podInfo({ name: 'a' }));
  queue.add(podInfo({ name: 'b' }));
  await pop();
  await pop();
  queue.delete(uid({ name: 'a' }));
  assert.equal(queue.requeue(uid({ name: 'a' }), new Set(['Picky'])), undefined);
  assert.equal(queue.placeOf(uid({ name: 'a' })), undefined);
  queue.update(podInfo({ name: 'b' }), podInfo({ name: 'b', labels: { v: '2' } }));
  queue.requeue(uid({ name: 'b' }), new Set(['Social']));
  queue.move({ kind: 'AssignedPodAdd', after: podInfo({ name: 'x' }) });
  assert.deepEqual((await pop())?.pod.labels, { v: '2' });
});

test('property: no pod is lost and none is in two places, whatever happens', async () => {
  const action = fc.record({
    what: fc.constantFrom('add', 'delete', 'pop', 'reject', 'error', 'done', 'event', 'wait', 'update'),
    who: fc.integer({ min: 0, max: 4 }),
    priority: fc.integer({ min: 0, max: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const { queue, pop, clock } = createQueue();
      const waiting = new Set<string>();
      const flying = new Set<string>();
      for (const { what, who, priority } of actions) {
        const info = podInfo({ name: `p${who}`, priority });
        const id = info.uid;
        if (what === 'add' && !flying.has(id)) {
          queue.add(info);
          waiting.add(id);
        } else if (what === 'delete') {
          queue.delete(id);
          waiting.delete(id);
          if (flying.delete(id)) queue.done(id);
        } else if (what === 'pop') {
          const popped = await pop();
          if (popped) {
            assert.ok(waiting.delete(popped.pod.uid), 'was waiting');
            flying.add(popped.pod.uid);
          }
        } else if ((what === 'reject' || what === 'error') && flying.delete(id)) {
          queue.requeue(id, new Set(what === 'reject' ? ['Picky'] : []));
          waiting.add(id);
        } else if (what === 'done' && flying.delete(id)) queue.done(id);
        else if (what === 'event') queue.move({ kind: 'NodeAdd', after: nodeOf({ name: 'right' }) });
        else if (what === 'wait') await clock.advance(1500);
        else if (what === 'update' && waiting.has(id)) queue.update(info, info);
        const { active, backoff, unschedulable, gated } = queue.lengths;
        assert.equal(active + backoff + unschedulable + gated, waiting.size);
      }
      await clock.advance(300_000);
      const rest = new Set<string>();
      for (let popped = await pop(); popped; popped = await pop()) rest.add(popped.pod.uid);
      assert.deepEqual([...rest].sort(), [...waiting].sort(), 'everything that waited came in the end');
    }),
    { numRuns: 60 },
  );
});

test('property: a heap gives its items in order, however they came and went', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer(), fc.boolean()), { maxLength: 50 }), (steps) => {
      const heap = new KeyedHeap<{ key: string; value: number }>(
        (item) => item.key,
        (a, b) => a.value - b.value,
      );
      const model = new Map<string, number>();
      for (const [key, value, remove] of steps) {
        if (remove) {
          assert.equal(heap.delete(String(key))?.value, model.get(String(key)));
          model.delete(String(key));
        } else {
          heap.set({ key: String(key), value });
          model.set(String(key), value);
        }
      }
      const popped: number[] = [];
      for (let item = heap.pop(); item; item = heap.pop()) popped.push(item.value);
      assert.deepEqual(
        popped,
        [...model.values()].sort((a, b) => a - b),
      );
    }),
  );
});
