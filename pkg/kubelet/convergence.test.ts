import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Container, Pod } from '../api/generated/core-v1.ts';
import { computePodActions, type PodActions } from './compute-pod-actions.ts';
import { hashOf, newest, type ObservedContainer, type PodObservation } from './pod-observation.ts';
import { computePodStatus } from './pod-status.ts';
import { isSidecar, restartPolicyOf } from './restart-policy.ts';

/** A runtime reduced to what decisions see: does at once what it is told, and lets anything happen in between. */
class World {
  readonly pod: Pod;
  #sandboxes: PodObservation['sandboxes'][number][] = [];
  #containers: ObservedContainer[] = [];
  readonly dead = new Set<string>();
  #time = 0;

  constructor(pod: Pod) {
    this.pod = pod;
  }

  get observed(): PodObservation {
    return { sandboxes: [...this.#sandboxes].reverse(), containers: [...this.#containers].reverse() };
  }

  decide(): PodActions {
    return computePodActions(this.pod, this.observed, {
      livenessFailed: (id) => this.dead.has(id),
      startupFailed: () => false,
      started: () => true,
    });
  }

  apply({ killPod, createSandbox, attempt, sandboxId, kill, start }: PodActions): void {
    if (killPod) {
      for (const { id } of this.#containers) this.end(id, 137);
      this.#sandboxes = this.#sandboxes.map((sandbox) => ({ ...sandbox, state: 'notready', ips: [] }));
    }
    for (const { id } of kill) this.end(id, 137);
    let target = sandboxId;
    if (createSandbox) {
      target = `s${attempt}`;
      const metadata = { name: 'p', namespace: 'd', uid: 'u', attempt };
      this.#sandboxes.push({ id: target, metadata, state: 'ready', createdAt: this.#time, ips: ['10.0.0.1'], labels: {}, annotations: {} });
    }
    for (const { container } of start) {
      const count = this.#containers.filter(({ name }) => name === container.name).length;
      this.#containers.push({
        id: `${container.name}-${count}`,
        name: container.name,
        sandboxId: target as string,
        state: 'running',
        createdAt: this.#time++,
        image: '',
        imageId: '',
        restartCount: count,
        hash: hashOf(container),
        logPath: '',
        mounts: [],
        annotations: {},
      });
    }
  }

  end(id: string, exitCode: number): void {
    this.#containers = this.#containers.map((one) =>
      one.id === id && one.state === 'running' ? { ...one, state: 'exited', exitCode, finishedAt: this.#time++ } : one,
    );
  }

  loseSandbox(): void {
    for (const { id } of this.#containers) this.end(id, 137);
    this.#sandboxes = this.#sandboxes.map((sandbox) => ({ ...sandbox, state: 'notready', ips: [] }));
  }
}

const container = (name: string, policy?: string): Container => ({
  name,
  image: 'x',
  resources: {},
  ...(policy ? { restartPolicy: policy } : {}),
});
const pods = fc
  .record({
    restartPolicy: fc.constantFrom('Always', 'OnFailure', 'Never'),
    init: fc.array(fc.constantFrom<string | undefined>(undefined, 'Always'), { maxLength: 3 }),
    own: fc.array(fc.constantFrom<string | undefined>(undefined, undefined, 'Never', 'OnFailure'), { minLength: 1, maxLength: 3 }),
  })
  .map(
    ({ restartPolicy, init, own }): Pod => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'd', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
      spec: {
        restartPolicy,
        initContainers: init.map((policy, i) => container(`init-${i}`, policy)),
        containers: own.map((policy, i) => container(`own-${i}`, policy)),
      },
      status: {},
    }),
  );
const events = fc.array(
  fc.oneof(
    fc.record({ what: fc.constant('end' as const), which: fc.nat(5), exitCode: fc.constantFrom(0, 0, 1) }),
    fc.record({ what: fc.constant('hang' as const), which: fc.nat(5) }),
    fc.record({ what: fc.constant('lose' as const) }),
    fc.record({ what: fc.constant('nothing' as const) }),
  ),
  { maxLength: 25 },
);

function happen(world: World, event: { what: string; which?: number; exitCode?: number }): void {
  const running = world.observed.containers.filter(({ state }) => state === 'running');
  const chosen = running[(event.which ?? 0) % Math.max(1, running.length)];
  if (event.what === 'lose') world.loseSandbox();
  else if (chosen && event.what === 'end') world.end(chosen.id, event.exitCode ?? 0);
  else if (chosen && event.what === 'hang') world.dead.add(chosen.id);
}

test('whatever happens, nothing is started twice, too early, or again against its policy', () => {
  fc.assert(
    fc.property(pods, events, (pod, list) => {
      const world = new World(pod);
      for (const event of list) {
        const actions = world.decide();
        const { observed } = world;
        const killed = new Set(actions.killPod ? observed.containers.map(({ id }) => id) : actions.kill.map(({ id }) => id));
        for (const { kind, container } of actions.start) {
          const last = newest(observed, container.name);
          assert.ok(last?.state !== 'running' || killed.has(last.id), `${container.name} runs already`);
          if (kind === 'container' && last?.state === 'exited') {
            const policy = restartPolicyOf(pod, container as Container);
            assert.ok(policy === 'Always' || (policy === 'OnFailure' && last.exitCode !== 0), `${container.name} has ended for good`);
          }
          const own = observed.containers.some((one) => one.sandboxId === actions.sandboxId && one.name.startsWith('own'));
          if (kind !== 'container' || own) continue;
          for (const init of pod.spec.initContainers ?? []) {
            const instance = observed.containers.find((one) => one.name === init.name && one.sandboxId === actions.sandboxId);
            assert.ok(
              isSidecar(init) ? instance?.state === 'running' : instance?.exitCode === 0,
              `${container.name} starts before ${init.name}`,
            );
          }
        }
        world.apply(actions);
        happen(world, event);
      }
    }),
    { numRuns: 500 },
  );
});

test('left alone, every pod comes to rest: all of it runs, or all of it has ended', () => {
  fc.assert(
    fc.property(pods, events, (pod, list) => {
      const world = new World(pod);
      for (const event of list) {
        world.apply(world.decide());
        happen(world, event);
      }
      // From now on init containers succeed, and nothing else happens.
      for (let step = 0; step < 12; step++) {
        world.apply(world.decide());
        for (const { id, name } of world.observed.containers) {
          const init = pod.spec.initContainers?.find((one) => one.name === name);
          if (init && !isSidecar(init)) world.end(id, 0);
        }
      }
      const { observed } = world;
      const { finished } = computePodStatus({
        pod,
        previous: {},
        observed,
        local: { waiting: new Map(), ready: () => true, started: () => true, runtimeName: 'fake' },
        over: false,
        hostIPs: [],
        now: 0,
      });
      assert.equal(world.decide().killPod, finished, 'a pod that is ended is at its end');
      const running = new Set(observed.containers.filter(({ state }) => state === 'running').map(({ name }) => name));
      const final = world.decide();
      assert.deepEqual([final.start.length, final.kill.length, final.createSandbox], [0, 0, false]);
      const ownRuns = pod.spec.containers.some(({ name }) => running.has(name));
      if (!ownRuns) assert.equal(running.size, 0, 'a sidecar has outlived its pod');
      for (const sidecar of (pod.spec.initContainers ?? []).filter(isSidecar)) assert.equal(running.has(sidecar.name), ownRuns);
      for (const one of pod.spec.containers) {
        if (restartPolicyOf(pod, one) === 'Always' && ownRuns) assert.ok(running.has(one.name), `${one.name} should run`);
      }
    }),
    { numRuns: 500 },
  );
});

test('a pod that is being deleted starts nothing', () => {
  fc.assert(
    fc.property(pods, events, (pod, list) => {
      const world = new World(pod);
      for (const event of list) {
        world.apply(world.decide());
        happen(world, event);
      }
      const deleted = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
      const probes = { livenessFailed: () => false, startupFailed: () => false, started: () => true };
      const { killPod, createSandbox, start } = computePodActions(deleted, world.observed, probes);
      assert.deepEqual([killPod, createSandbox, start.length], [true, false, 0]);
    }),
  );
});
