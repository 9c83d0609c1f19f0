import type { TableColumn } from '../contract.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';
import { ageColumn, column, isTrue, labelText, metadata, nameColumn, none, orNone, spec, status, templateColumns, wide } from './column.ts';
import { humanDuration } from './human-duration.ts';

interface PodSummary {
  readonly ready: number;
  readonly total: number;
  /** The word in the column STATUS. */
  readonly reason: string;
  readonly restarts: number;
  /** Milliseconds since the epoch; 0: never. */
  readonly lastRestart: number;
}

/**
 * What a pod's status comes to in a word: the phase, unless something says more: why the pod was refused, which init
 * container it waits for, why a container waits or has ended; and that it is being deleted above all.
 */
export function summarizePod(pod: Raw): PodSummary {
  const { phase, reason: stated } = status(pod);
  let reason = text(stated) || text(phase);
  const scheduled = objects(status(pod)['conditions']).find((condition) => condition['type'] === 'PodScheduled');
  if (scheduled?.['reason'] === 'SchedulingGated') reason = 'SchedulingGated';

  const sidecars = new Set(
    objects(spec(pod)['initContainers'])
      .filter(isSidecar)
      .map((container) => container['name']),
  );
  const total = objects(spec(pod)['containers']).length + sidecars.size;
  const init = summarizeInit(pod, sidecars);
  let summary: PodSummary = {
    ready: init.ready,
    total,
    reason: init.reason ?? reason,
    restarts: init.restarts,
    lastRestart: init.lastRestart,
  };
  if (init.reason === undefined || isTrue(pod, 'Initialized')) summary = summarizeMain(pod, summary, init);

  if (metadata(pod)['deletionTimestamp'] === undefined) return summary;
  if (stated === 'NodeLost') return { ...summary, reason: 'Unknown' };
  return phase === 'Succeeded' || phase === 'Failed' ? summary : { ...summary, reason: 'Terminating' };
}

const isSidecar = (container: Raw): boolean => container['restartPolicy'] === 'Always';

interface InitSummary {
  readonly ready: number;
  /** Set while the pod initializes. */
  readonly reason: string | undefined;
  readonly restarts: number;
  readonly lastRestart: number;
  readonly sidecarRestarts: number;
  readonly lastSidecarRestart: number;
}

function summarizeInit(pod: Raw, sidecars: ReadonlySet<unknown>): InitSummary {
  const count = objects(spec(pod)['initContainers']).length;
  let ready = 0;
  let reason: string | undefined;
  let [restarts, lastRestart, sidecarRestarts, lastSidecarRestart] = [0, 0, 0, 0];
  for (const [i, container] of objects(status(pod)['initContainerStatuses']).entries()) {
    const sidecar = sidecars.has(container['name']);
    restarts += Number(container['restartCount'] ?? 0);
    lastRestart = Math.max(lastRestart, lastEnd(container));
    if (sidecar) {
      sidecarRestarts += Number(container['restartCount'] ?? 0);
      lastSidecarRestart = Math.max(lastSidecarRestart, lastEnd(container));
    }
    const { terminated, waiting } = objectAt(container['state']);
    if (terminated !== undefined && objectAt(terminated)['exitCode'] === 0) continue;
    if (sidecar && container['started'] === true) {
      if (container['ready'] === true) ready++;
      continue;
    }
    const waits = text(objectAt(waiting)['reason']);
    if (terminated !== undefined) reason = `Init:${endOf(objectAt(terminated))}`;
    else if (waits !== '' && waits !== 'PodInitializing') reason = `Init:${waits}`;
    else reason = `Init:${i}/${count}`;
    break;
  }
  return { ready, reason, restarts, lastRestart, sidecarRestarts, lastSidecarRestart };
}

function summarizeMain(pod: Raw, before: PodSummary, init: InitSummary): PodSummary {
  let { reason, ready } = before;
  let restarts = init.sidecarRestarts;
  let lastRestart = init.lastSidecarRestart;
  let running = false;
  for (const container of objects(status(pod)['containerStatuses']).reverse()) {
    restarts += Number(container['restartCount'] ?? 0);
    lastRestart = Math.max(lastRestart, lastEnd(container));
    const { waiting, terminated, running: runs } = objectAt(container['state']);
    const waits = text(objectAt(waiting)['reason']);
    if (waits !== '') reason = waits;
    else if (terminated !== undefined) reason = endOf(objectAt(terminated));
    else if (container['ready'] === true && runs !== undefined) {
      running = true;
      ready++;
    }
  }
  // One container has done its work while others go on.
  if (reason === 'Completed' && running) reason = isTrue(pod, 'Ready') ? 'Running' : 'NotReady';
  return { ...before, reason, ready, restarts, lastRestart };
}

/** When the container's previous run ended. */
function lastEnd(container: Raw): number {
  const finished = Date.parse(text(objectAt(objectAt(container['lastState'])['terminated'])['finishedAt']));
  return Number.isNaN(finished) ? 0 : finished;
}

function endOf(terminated: Raw): string {
  const reason = text(terminated['reason']);
  if (reason !== '') return reason;
  const { signal, exitCode } = terminated;
  return typeof signal === 'number' && signal !== 0 ? `Signal:${signal}` : `ExitCode:${String(exitCode ?? 0)}`;
}

function restartsText(pod: Raw, now: number): string {
  const { restarts, lastRestart } = summarizePod(pod);
  return restarts > 0 && lastRestart > 0 ? `${restarts} (${humanDuration(now - lastRestart)} ago)` : String(restarts);
}

function readinessGates(pod: Raw): string {
  const gates = objects(spec(pod)['readinessGates']);
  if (gates.length === 0) return none;
  return `${gates.filter((gate) => isTrue(pod, text(gate['conditionType']))).length}/${gates.length}`;
}

export const podColumns: readonly TableColumn[] = [
  nameColumn,
  column('Ready', (pod) => `${summarizePod(pod).ready}/${summarizePod(pod).total}`, { description: 'Containers that are ready, of all.' }),
  column('Status', (pod) => summarizePod(pod).reason, { description: 'What the state of the pod and its containers comes to.' }),
  column('Restarts', restartsText, { description: 'How often its containers have been started again, and when last.' }),
  ageColumn,
  wide('IP', (pod) => orNone(objectAt(objects(status(pod)['podIPs'])[0])['ip'] ?? status(pod)['podIP']), {
    description: "The pod's address.",
  }),
  wide('Node', (pod) => orNone(spec(pod)['nodeName']), { description: 'The node it runs on.' }),
  wide('Nominated Node', (pod) => orNone(status(pod)['nominatedNodeName']), { description: 'The node where room is being made for it.' }),
  wide('Readiness Gates', readinessGates, { description: 'Conditions beside its containers that it waits for, and how many hold.' }),
];

export const podTemplateColumns: readonly TableColumn[] = [
  nameColumn,
  ...templateColumns((object) => object['template']).map((wideColumn) => ({ ...wideColumn, priority: 0 })),
  column('Pod Labels', (object) => labelText(metadata(objectAt(object['template']))['labels']), {
    description: 'Labels of the pods made from it.',
  }),
];
