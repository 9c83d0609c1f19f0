import type { PriorityClass } from '../../api/generated/scheduling-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { filterOf } from '../cache/filter.ts';
import type { Admission, AdmissionAttempt } from '../contract.ts';
import { child, objectAt, raw, text } from '../raw.ts';
import type { Environment } from '../resource.ts';
import { forbidden } from './forbidden.ts';

const isPod = ({ declaration }: AdmissionAttempt): boolean => declaration.group === '' && declaration.resource === 'pods';
const isClass = ({ declaration }: AdmissionAttempt): boolean =>
  declaration.group === 'scheduling.k8s.io' && declaration.resource === 'priorityclasses';

/**
 * A pod's priority is the number that its class stands for; without a class, that of the default class, or zero.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
 */
export function priority(environment: Environment): Admission {
  const classes = async (): Promise<PriorityClass[]> => {
    const { cache, declaration } = environment.resource('scheduling.k8s.io', 'priorityclasses');
    await cache.ready(false);
    return cache.entries(filterOf({ namespace: '' }, declaration, undefined)).map((entry) => entry.object as PriorityClass);
  };
  return {
    handles: (attempt) =>
      attempt.subresource === '' &&
      ((isPod(attempt) && (attempt.operation === 'CREATE' || attempt.operation === 'UPDATE')) ||
        (isClass(attempt) && attempt.object !== undefined)),
    async mutate(attempt) {
      if (!isPod(attempt)) return undefined;
      if (attempt.operation === 'UPDATE') return keepPriority(attempt);
      const spec = child(raw(attempt.object as KubeObject), 'spec');
      const name = text(spec['priorityClassName']);
      const all = await classes();
      const found = name === '' ? lowestDefault(all) : all.find((other) => other.metadata.name === name);
      if (name !== '' && !found) throw forbidden(attempt, `no PriorityClass with name ${name} was found`);
      if (found) spec['priorityClassName'] = found.metadata.name;
      const value = found?.value ?? 0;
      const given = spec['priority'];
      if (given !== undefined && given !== value) {
        throw forbidden(
          attempt,
          `the integer value of priority (${String(given)}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        );
      }
      spec['priority'] = value;
      const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority';
      const asked = spec['preemptionPolicy'];
      if (asked !== undefined && asked !== policy) {
        throw forbidden(
          attempt,
          `the string value of PreemptionPolicy (${String(asked)}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
        );
      }
      spec['preemptionPolicy'] = policy;
      return attempt.object;
    },
    async validate(attempt) {
      if (!isClass(attempt)) return;
      const object = attempt.object as PriorityClass;
      if (!object.globalDefault) return;
      const other = lowestDefault((await classes()).filter(({ metadata }) => metadata.name !== object.metadata.name));
      if (other) throw forbidden(attempt, `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`);
    },
  };
}

/** What a pod was given when it was created stays; a manifest that replaces it need not repeat it. */
function keepPriority({ object, old }: AdmissionAttempt): KubeObject | undefined {
  const spec = child(raw(object as KubeObject), 'spec');
  const before = objectAt(raw(old as KubeObject)['spec']);
  const missing = ['priority', 'preemptionPolicy'].filter((field) => spec[field] === undefined && before[field] !== undefined);
  for (const field of missing) spec[field] = before[field];
  return missing.length > 0 ? object : undefined;
}

/** There should be one; should there be more, the lowest counts, as in Kubernetes. */
function lowestDefault(classes: readonly PriorityClass[]): PriorityClass | undefined {
  return classes.filter((other) => other.globalDefault).sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
}
