import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Container, Pod, PodSpec } from '../api/generated/core-v1.ts';
import { computePodActions, type PodActions, type ProbeVerdicts } from './compute-pod-actions.ts';
import { hashOf, type ObservedContainer, type PodObservation } from './pod-observation.ts';

const web: Container = { name: 'web', image: 'nginx:1', resources: {} };
const log: Container = { name: 'log', image: 'log:1', resources: {} };
const prepare: Container = { name: 'prepare', image: 'tool:1', resources: {} };
const migrate: Container = { name: 'migrate', image: 'tool:1', resources: {} };
const proxy: Container = { name: 'proxy', image: 'proxy:1', resources: {}, restartPolicy: 'Always' };

function pod(spec: Partial<PodSpec> = {}, metadata: object = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '', ...metadata },
    spec: { restartPolicy: 'Always', containers: [web], ...spec },
    status: {},
  };
}

type State = 'running' | 'created' | 'unknown' | number;
/** `[web, 'running']`, `[web, 1]`: exited with 1; newest first. A third element names the sandbox. */
function observed(
  containers: readonly (readonly [Container, State, string?])[],
  sandboxes: readonly Partial<PodObservation['sandboxes'][number]>[] = [{}],
): PodObservation {
  return {
    sandboxes: sandboxes.map((sandbox, i) => ({
      id: `s${sandboxes.length - 1 - i}`,
      metadata: { name: 'p', namespace: 'default', uid: 'u', attempt: sandboxes.length - 1 - i },
      state: 'ready',
      createdAt: 0,
      ips: ['10.0.0.2'],
      labels: {},
      annotations: {},
      ...sandbox,
    })),
    containers: containers.map(
      ([{ name, image }, state, sandboxId = `s${sandboxes.length - 1}`], i): ObservedContainer => ({
        id: `${name}-${containers.length - i}`,
        name,
        sandboxId,
        state: typeof state === 'number' ? 'exited' : state,
        ...(typeof state === 'number' ? { exitCode: state, finishedAt: 0 } : {}),
        createdAt: 0,
        image: image ?? '',
        imageId: '',
        restartCount: 0,
        hash: hashOf({ name, image: image ?? '' }),
        logPath: '',
        mounts: [],
        annotations: {},
      }),
    ),
  };
}

const calm: ProbeVerdicts = { livenessFailed: () => false, startupFailed: () => false, started: () => true };

/** What was decided, in short: `sandbox 0; start web`, `kill web-1 (livenessProbe); start web`, `kill pod`, `nothing`. */
function decide(of: Pod, seen: PodObservation, probes: Partial<ProbeVerdicts> = {}): string {
  const actions: PodActions = computePodActions(of, seen, { ...calm, ...probes });
  const parts = [
    actions.killPod && !(actions.createSandbox && seen.sandboxes.length === 0) ? 'kill pod' : '',
    actions.createSandbox ? `sandbox ${actions.attempt}` : '',
    ...actions.kill.map(({ id, reason }) => `kill ${id} (${reason})`),
    actions.start.length > 0 ? `start ${actions.start.map(({ container }) => container.name).join(' ')}` : '',
  ].filter((part) => part !== '');
  return parts.join('; ') || 'nothing';
}

const none = observed([], []);
const always = pod();
const onFailure = pod({ restartPolicy: 'OnFailure' });
const never = pod({ restartPolicy: 'Never' });
const two = pod({ containers: [web, log] });
const init = pod({ initContainers: [prepare, migrate] });
const initNever = pod({ initContainers: [prepare], restartPolicy: 'Never' });
const sidecar = pod({ initContainers: [proxy, prepare] });
const sidecarJob = pod({ initContainers: [proxy], restartPolicy: 'Never' });

describe('computePodActions', () => {
  const cases: readonly [string, string, string][] = [
    ['a new pod gets a sandbox and all its containers', decide(two, none), 'sandbox 0; start web log'],
    [
      'what runs is left alone',
      decide(
        two,
        observed([
          [web, 'running'],
          [log, 'running'],
        ]),
      ),
      'nothing',
    ],
    [
      'one that ended is started again',
      decide(
        two,
        observed([
          [web, 0],
          [log, 'running'],
        ]),
      ),
      'start web',
    ],
    ['one that was made and not started is made again', decide(always, observed([[web, 'created']])), 'start web'],
    ['one whose state nobody knows is killed first', decide(always, observed([[web, 'unknown']])), 'kill web-1 (unknown); start web'],
    [
      'OnFailure: success stays',
      decide(
        pod({ containers: [web, log], restartPolicy: 'OnFailure' }),
        observed([
          [web, 0],
          [log, 'running'],
        ]),
      ),
      'nothing',
    ],
    ['OnFailure: failure is tried again', decide(onFailure, observed([[web, 1]])), 'start web'],
    ['OnFailure: all done, the pod is over', decide(onFailure, observed([[web, 0]])), 'kill pod'],
    ['Never: nothing is tried again', decide(never, observed([[web, 1]])), 'kill pod'],
    [
      'the newest instance counts',
      decide(
        always,
        observed([
          [web, 'running'],
          [web, 1],
        ]),
      ),
      'nothing',
    ],

    [
      'a stopped sandbox is replaced, with all that was in it',
      decide(always, observed([[web, 137]], [{ state: 'notready' }])),
      'kill pod; sandbox 1; start web',
    ],
    ['a sandbox without an address is replaced', decide(always, observed([], [{ ips: [] }])), 'kill pod; sandbox 1; start web'],
    [
      "... unless the pod has the node's network",
      decide(pod({ hostNetwork: true }), observed([[web, 'running']], [{ ips: [] }])),
      'nothing',
    ],
    ['two ready sandboxes are one too many', decide(always, observed([], [{}, {}])), 'kill pod; sandbox 2; start web'],
    ['Never: a lost sandbox is the end', decide(never, observed([[web, 137]], [{ state: 'notready' }])), 'kill pod'],
    [
      'Never: a sandbox that held nothing yet is made again',
      decide(never, observed([], [{ state: 'notready' }])),
      'kill pod; sandbox 1; start web',
    ],
    [
      'OnFailure: a lost sandbox starts only what has not succeeded',
      decide(
        pod({ containers: [web, log], restartPolicy: 'OnFailure' }),
        observed(
          [
            [web, 0],
            [log, 137],
          ],
          [{ state: 'notready' }],
        ),
      ),
      'kill pod; sandbox 1; start log',
    ],
    ['OnFailure: all done, no new sandbox', decide(onFailure, observed([[web, 0]], [{ state: 'notready' }])), 'kill pod'],

    ['init containers go first, one at a time', decide(init, none), 'sandbox 0; start prepare'],
    ['... while one runs, nothing starts', decide(init, observed([[prepare, 'running']])), 'nothing'],
    ['... the next follows a success', decide(init, observed([[prepare, 0]])), 'start migrate'],
    [
      '... a failure is tried again',
      decide(
        init,
        observed([
          [migrate, 1],
          [prepare, 0],
        ]),
      ),
      'start migrate',
    ],
    [
      "... after the last one the pod's own start",
      decide(
        init,
        observed([
          [migrate, 0],
          [prepare, 0],
        ]),
      ),
      'start web',
    ],
    [
      '... which are restarted without them',
      decide(
        init,
        observed([
          [web, 1],
          [migrate, 0],
          [prepare, 0],
        ]),
      ),
      'start web',
    ],
    [
      '... and a new sandbox runs them again',
      decide(
        init,
        observed(
          [
            [web, 137, 's0'],
            [migrate, 0, 's0'],
            [prepare, 0, 's0'],
          ],
          [{}, { state: 'notready' }],
        ),
      ),
      'start prepare',
    ],
    ['Never: a failed init container ends the pod', decide(initNever, observed([[prepare, 1]])), 'kill pod'],

    ['a sidecar starts before what follows it', decide(sidecar, none), 'sandbox 0; start proxy'],
    ['... and holds it until it has started', decide(sidecar, observed([[proxy, 'running']]), { started: () => false }), 'nothing'],
    ['... then lets it go on', decide(sidecar, observed([[proxy, 'running']])), 'start prepare'],
    [
      '... and is restarted beside it',
      decide(
        sidecar,
        observed([
          [web, 'running'],
          [prepare, 0],
          [proxy, 1],
        ]),
      ),
      'start proxy',
    ],
    [
      "... whatever the pod's policy",
      decide(
        sidecarJob,
        observed([
          [web, 'running'],
          [proxy, 0],
        ]),
      ),
      'start proxy',
    ],
    [
      "... and goes when the pod's own are done",
      decide(
        sidecarJob,
        observed([
          [web, 0],
          [proxy, 'running'],
        ]),
      ),
      'kill pod',
    ],

    [
      'failed liveness kills and starts again',
      decide(always, observed([[web, 'running']]), { livenessFailed: (id) => id === 'web-1' }),
      'kill web-1 (livenessProbe); start web',
    ],
    [
      'failed startup likewise',
      decide(always, observed([[web, 'running']]), { startupFailed: () => true }),
      'kill web-1 (startupProbe); start web',
    ],
    [
      'Never: failed liveness only kills',
      decide(never, observed([[web, 'running']]), { livenessFailed: () => true }),
      'kill web-1 (livenessProbe)',
    ],
    [
      'a new image replaces the container',
      decide(pod({ containers: [{ ...web, image: 'nginx:2' }] }), observed([[web, 'running']])),
      'kill web-1 (definition); start web',
    ],
    [
      'an ephemeral container starts beside the others, once',
      decide(pod({ ephemeralContainers: [{ name: 'debug', image: 'tool:1' }] }), observed([[web, 'running']])),
      'start debug',
    ],
    [
      '... and is not started again',
      decide(
        pod({ ephemeralContainers: [{ name: 'debug', image: 'tool:1' }] }),
        observed([
          [{ ...web, name: 'debug' }, 0],
          [web, 'running'],
        ]),
      ),
      'nothing',
    ],
    [
      'a pod that is being deleted starts nothing',
      decide(pod({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), observed([[web, 1]])),
      'kill pod',
    ],
    [
      "a container's own policy overrides the pod's",
      decide(
        pod({ restartPolicy: 'Never', containers: [{ ...web, restartPolicy: 'Always' }, log] }),
        observed([
          [web, 0],
          [log, 0],
        ]),
      ),
      'start web',
    ],
    [
      'a restart rule overrides the policy for its exit codes',
      decide(
        pod({
          restartPolicy: 'Never',
          containers: [{ ...web, restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] }, log],
        }),
        observed([
          [web, 42],
          [log, 1],
        ]),
      ),
      'start web',
    ],
  ];
  for (const [name, decided, wanted] of cases) test(name, () => assert.equal(decided, wanted));
});
