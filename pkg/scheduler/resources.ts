/** What a pod asks for and a node has, as numbers: the arithmetic under NodeResourcesFit and the scores. */
import type { Pod } from '../api/generated/core-v1.ts';
import { quantityMillis, quantityValue } from '../api/quantity.ts';

/** Milli-CPUs and bytes; `scalars` holds everything else (extended resources, huge pages) in whole units. */
export interface Resources {
  readonly milliCpu: number;
  readonly memory: number;
  readonly ephemeralStorage: number;
  readonly scalars: Readonly<Record<string, number>>;
}

export const noResources: Resources = { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: {} };

/**
 * Scores reckon with these where a container asks for nothing, so that a thousand pods without requests still
 * spread: 0.1 CPU and 200 MiB, as kube-scheduler does.
 */
export const assumedMilliCpu = 100;
export const assumedMemory = 200 * 1024 * 1024;

type ResourceList = Readonly<Record<string, string>> | undefined;

/** Reads a resource list; `pods` is left out, since it counts pods and nobody asks for it. */
export function parseResources(list: ResourceList): Resources {
  if (!list) return noResources;
  let milliCpu = 0;
  let memory = 0;
  let ephemeralStorage = 0;
  let scalars: Record<string, number> | undefined;
  for (const [name, quantity] of Object.entries(list)) {
    if (name === 'cpu') milliCpu = quantityMillis(quantity);
    else if (name === 'memory') memory = quantityValue(quantity);
    else if (name === 'ephemeral-storage') ephemeralStorage = quantityValue(quantity);
    else if (name !== 'pods') {
      scalars ??= {};
      scalars[name] = quantityValue(quantity);
    }
  }
  return { milliCpu, memory, ephemeralStorage, scalars: scalars ?? noResources.scalars };
}

export function addResources(a: Resources, b: Resources): Resources {
  return combine(a, b, (x, y) => x + y);
}
export function subtractResources(a: Resources, b: Resources): Resources {
  return combine(a, b, (x, y) => x - y);
}
export function maxResources(a: Resources, b: Resources): Resources {
  return combine(a, b, Math.max);
}

function combine(a: Resources, b: Resources, op: (x: number, y: number) => number): Resources {
  return {
    milliCpu: op(a.milliCpu, b.milliCpu),
    memory: op(a.memory, b.memory),
    ephemeralStorage: op(a.ephemeralStorage, b.ephemeralStorage),
    scalars: combineScalars(a.scalars, b.scalars, op),
  };
}

function combineScalars(a: Resources['scalars'], b: Resources['scalars'], op: (x: number, y: number) => number): Resources['scalars'] {
  if (a === noResources.scalars && b === noResources.scalars) return a;
  const out: Record<string, number> = {};
  for (const name of Object.keys(a)) out[name] = op(a[name] ?? 0, b[name] ?? 0);
  for (const name of Object.keys(b)) out[name] ??= op(0, b[name] ?? 0);
  return out;
}

/**
 * What the pod needs of a node: the containers that run together, or the hungriest moment of its start-up, whichever
 * is more; a pod-level request replaces the sum; the sandbox's overhead comes on top. `assumed`: fill in the
 * assumed CPU and memory where a container asks for none.
 * https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
 */
export function podRequests(pod: Pod, assumed = false): Resources {
  const { spec } = pod;
  const own = podLevelRequests(spec.resources?.requests);
  const assumeHere = { cpu: assumed && !own?.['cpu'], memory: assumed && !own?.['memory'] };

  const of = (container: { readonly name: string; readonly resources?: { readonly requests?: ResourceList } }): Resources => {
    let asked = parseResources(container.resources?.requests);
    const allocated = allocatedTo(pod, container.name);
    if (allocated) asked = maxResources(asked, parseResources(allocated));
    if (!assumed) return asked;
    return {
      ...asked,
      milliCpu: asked.milliCpu === 0 && assumeHere.cpu ? assumedMilliCpu : asked.milliCpu,
      memory: asked.memory === 0 && assumeHere.memory ? assumedMemory : asked.memory,
    };
  };

  let together = noResources;
  for (const container of spec.containers) together = addResources(together, of(container));
  let sidecars = noResources;
  let peak = noResources;
  for (const container of spec.initContainers ?? []) {
    const asked = of(container);
    if (container.restartPolicy === 'Always') {
      sidecars = addResources(sidecars, asked);
      peak = maxResources(peak, sidecars);
    } else {
      peak = maxResources(peak, addResources(sidecars, asked));
    }
  }
  let total = maxResources(addResources(together, sidecars), peak);
  if (own) {
    const level = parseResources(own);
    total = {
      milliCpu: own['cpu'] === undefined ? total.milliCpu : level.milliCpu,
      memory: own['memory'] === undefined ? total.memory : level.memory,
      ephemeralStorage: total.ephemeralStorage,
      scalars: { ...total.scalars, ...level.scalars },
    };
  }
  return spec.overhead ? addResources(total, parseResources(spec.overhead)) : total;
}

function podLevelRequests(list: ResourceList): ResourceList {
  return list && Object.keys(list).length > 0 ? list : undefined;
}

/** While a container is being resized in place, the node still holds what it was given before. */
function allocatedTo(pod: Pod, container: string): ResourceList {
  if (!pod.spec.nodeName) return undefined;
  return pod.status.containerStatuses?.find((status) => status.name === container)?.allocatedResources;
}
