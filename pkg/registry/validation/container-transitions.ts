/** A container that has ended runs again only where its pod lets it. */
import { forbiddenField } from '../../runtime/field-errors.ts';
import { objectAt, objects, type Raw } from '../raw.ts';
import type { Report } from './validator.ts';

const restarts = (policy: unknown, exitCode: number): boolean => policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);

/** Of a container that has ended so: its own rules, then its own policy, then its pod's. */
function mayRestart(container: Raw, spec: Raw, exitCode: number): boolean {
  const { restartPolicy: own, restartPolicyRules: rules } = container;
  if (own === undefined) return restarts(spec['restartPolicy'] ?? 'Always', exitCode);
  return objects(rules).some((rule) => matches(objectAt(rule['exitCodes']), exitCode)) || restarts(own, exitCode);
}

function matches({ operator, values }: Raw, exitCode: number): boolean {
  const listed = Array.isArray(values) && values.includes(exitCode);
  return operator === 'In' ? listed : operator === 'NotIn' && !listed;
}

/** Whether one container can make all start again. */
const restartsAll = (spec: Raw): boolean =>
  ['initContainers', 'containers'].some((list) =>
    objects(spec[list]).some((one) => objects(one['restartPolicyRules']).some(({ action }) => action === 'RestartAllContainers')),
  );

const terminatedOf = (status: Raw): unknown => objectAt(status['state'])['terminated'];

interface TransitionCall {
  readonly spec: Raw;
  readonly report: Report;
}

export function checkTransitions(status: Raw, before: Raw, { spec, report }: TransitionCall): void {
  for (const [list, ofSpec] of [
    ['containerStatuses', 'containers'],
    ['initContainerStatuses', 'initContainers'],
    ['ephemeralContainerStatuses', undefined],
  ] as const) {
    if (ofSpec !== undefined && restartsAll(spec)) continue;
    for (const [i, old] of objects(before[list]).entries()) {
      const ended = terminatedOf(old);
      const now = objects(status[list]).find((one) => one['name'] === old['name'] && terminatedOf(one) === undefined);
      if (ended === undefined || !now) continue;
      const container = ofSpec === undefined ? undefined : objects(spec[ofSpec]).find((one) => one['name'] === old['name']);
      if (container && mayRestart(container, spec, Number(objectAt(ended)['exitCode'] ?? 0))) continue;
      report(forbiddenField(`status.${list}[${i}].state`, 'may not be transitioned to non-terminated state'));
    }
  }
}
