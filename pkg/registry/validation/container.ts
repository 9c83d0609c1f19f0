/** Containers: those that start a pod, those that are it, and those that are added to look into it. */
import { duplicateField, forbiddenField, invalidField, notFoundField, requiredField } from '../../runtime/field-errors.ts';
import { isObject, objects, type Raw, text } from '../raw.ts';
import { dnsLabel, portName, portNumber } from './names.ts';
import { environment, environmentSources } from './pod-environment.ts';
import { devices, mounts } from './pod-mounts.ts';
import type { PodReport } from './pod-report.ts';
import { resourcesInPod } from './pod-resources.ts';
import { securityContext } from './pod-security.ts';
import { whileRunning } from './probes.ts';
import { atMost, fields, needed, neededName, neededOneOf, type Rule, strictOneOf, validators } from './rules.ts';
import { below, type Report, type Validator } from './validator.ts';

export const protocols = ['SCTP', 'TCP', 'UDP'];

const port = fields({
  containerPort: (value, path, report) => {
    if (typeof value !== 'number' || value === 0) report(requiredField(path));
    else for (const reason of portNumber(value)) report(invalidField(path, value, reason));
  },
  hostPort: (value, path, report) => {
    if (typeof value === 'number' && value !== 0) for (const reason of portNumber(value)) report(invalidField(path, value, reason));
  },
  protocol: neededOneOf(protocols),
});

const ports: Rule = (value, path, report) => {
  const names = new Set<string>();
  for (const [i, one] of objects(value).entries()) {
    const at = `${path}[${i}]`;
    const name = text(one['name']);
    const reasons = name === '' ? [] : portName(name);
    for (const reason of reasons) report(invalidField(below(at, 'name'), name, reason));
    if (reasons.length === 0 && names.has(name)) report(duplicateField(below(at, 'name'), name));
    if (name !== '' && reasons.length === 0) names.add(name);
    port(one, at, report);
  }
};

/** What becomes of a container whose resources change. */
const resizePolicies: Rule<PodReport> = (value, path, report) => {
  const seen = new Set<string>();
  for (const [i, { resourceName, restartPolicy }] of objects(value).entries()) {
    const name = text(resourceName);
    if (seen.has(name)) report(duplicateField(`${path}[${i}]`, name));
    seen.add(name);
    neededOneOf(['cpu', 'memory'])(resourceName, path, report);
    neededOneOf(['NotRequired', 'RestartContainer'])(restartPolicy, path, report);
    if (report.pod.spec['restartPolicy'] === 'Never' && restartPolicy !== 'NotRequired')
      report(invalidField(path, text(restartPolicy), "must be 'NotRequired' when pod `restartPolicy` is 'Never'"));
  }
};

const common: Validator<PodReport> = validators<PodReport>(
  fields({
    name: neededName(dnsLabel),
    image: needed(),
    terminationMessagePolicy: neededOneOf(['File', 'FallbackToLogsOnError']),
    ports,
    env: environment,
    envFrom: environmentSources,
  }),
  mounts,
  devices,
  fields<PodReport>({
    imagePullPolicy: neededOneOf(['Always', 'IfNotPresent', 'Never']),
    resources: resourcesInPod,
    resizePolicy: resizePolicies,
    securityContext,
  }),
);

const running = fields<PodReport>(whileRunning);

const maxRestartRules = 20;
const maxExitCodes = 255;
const restartRule = fields({
  action: strictOneOf(['Restart', 'RestartAllContainers']),
  exitCodes: (value, path, report) => {
    if (!isObject(value)) report(requiredField(path, 'must be specified'));
    else fields({ operator: strictOneOf(['In', 'NotIn']), values: atMost(maxExitCodes) })(value, path, report);
  },
});

/** When a container is started again, where it is not as the pod says. */
const restarts: Validator = (container, path, report) => {
  const policy = container['restartPolicy'];
  const rules = objects(container['restartPolicyRules']);
  if (policy === undefined && rules.length > 0)
    report(requiredField(below(path, 'restartPolicy'), 'must specify restartPolicy when restart rules are used'));
  if (policy !== undefined) strictOneOf(['Always', 'Never', 'OnFailure'])(policy, below(path, 'restartPolicy'), report);
  const at = below(path, 'restartPolicyRules');
  atMost(maxRestartRules)(rules, at, report);
  for (const [i, rule] of rules.entries()) restartRule(rule, `${at}[${i}]`, report);
};

/** Tells of ports that two containers want of the machine. `path` is of the list that they are in. */
function checkHostPorts(containers: readonly Raw[], path: string, report: Report): void {
  const taken = new Set<string>();
  for (const [i, container] of containers.entries()) {
    for (const [j, { hostPort, protocol, hostIP }] of objects(container['ports']).entries()) {
      if (typeof hostPort !== 'number' || hostPort === 0) continue;
      const key = `${text(protocol)}/${text(hostIP)}/${hostPort}`;
      if (taken.has(key)) report(duplicateField(`${path}[${i}].ports[${j}].hostPort`, key));
      taken.add(key);
    }
  }
}

const namesOf = (list: unknown): string[] => objects(list).map((item) => text(item['name']));

/** The pod's own. */
export const containers: Rule<PodReport> = (value, path, report) => {
  const all = objects(value);
  if (all.length === 0) {
    report(requiredField(path));
    return;
  }
  const names = new Set<string>();
  for (const [i, container] of all.entries()) {
    const at = `${path}[${i}]`;
    const name = text(container['name']);
    common(container, at, report);
    if (names.has(name)) report(duplicateField(below(at, 'name'), name));
    names.add(name);
    running(container, at, report);
    restarts(container, at, report);
  }
  checkHostPorts(all, path, report);
};

/** Those that start the pod one after the other; what goes on beside the others (a sidecar) is watched as they are. */
export const initContainers: Rule<PodReport> = (value, path, report) => {
  const names = new Set(namesOf(report.pod.spec['containers']));
  for (const [i, container] of objects(value).entries()) {
    const at = `${path}[${i}]`;
    const name = text(container['name']);
    const goesOn = container['restartPolicy'] === 'Always';
    common(container, at, report);
    if (container['restartPolicy'] !== undefined || objects(container['restartPolicyRules']).length > 0)
      initRestarts(container, at, report);
    if (names.has(name)) report(duplicateField(below(at, 'name'), name));
    else if (name !== '') names.add(name);
    checkHostPorts([container], path, report);
    if (goesOn) running(container, at, report);
    else forbidRunning(container, at, report);
  }
};

const initRestarts: Validator = (container, path, report) => {
  if (container['restartPolicy'] !== undefined) restarts(container, path, report);
  else report(requiredField(below(path, 'restartPolicy'), 'must specify restartPolicy when restart rules are used'));
};

const forbidRunning: Validator = (container, path, report) => {
  for (const field of Object.keys(whileRunning)) {
    if (container[field] !== undefined)
      report(forbiddenField(below(path, field), 'may not be set for init containers without restartPolicy=Always'));
  }
  for (const [j, policy] of objects(container['resizePolicy']).entries()) {
    const at = `${below(path, 'resizePolicy')}[${j}].restartPolicy`;
    const detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
    if (policy['restartPolicy'] === 'RestartContainer') report(invalidField(at, policy['restartPolicy'], detail));
  }
};

const notEphemeral = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
];
const isEmpty = (value: unknown): boolean => value === undefined || (isObject(value) && Object.keys(value).length === 0);

/** Containers for debugging. */
export const ephemeralContainers: Rule<PodReport> = (value, path, report) => {
  const { spec } = report.pod;
  const others = new Set([...namesOf(spec['containers']), ...namesOf(spec['initContainers'])]);
  const names = new Set(others);
  for (const [i, container] of objects(value).entries()) {
    const at = `${path}[${i}]`;
    common(container, at, report);
    checkImage(container, at, report);
    const [name, target] = [text(container['name']), text(container['targetContainerName'])];
    if (names.has(name)) report(duplicateField(below(at, 'name'), name));
    names.add(name);
    if (target !== '' && !others.has(target)) report(notFoundField(below(at, 'targetContainerName'), target));
    const refuse = (field: string): void => report(forbiddenField(below(at, field), 'cannot be set for an Ephemeral Container'));
    for (const field of notEphemeral) if (!isEmpty(container[field])) refuse(field);
    for (const [j, mount] of objects(container['volumeMounts']).entries()) {
      for (const field of ['subPath', 'subPathExpr']) if (text(mount[field]) !== '') refuse(`volumeMounts[${j}].${field}`);
    }
  }
};

/** In a template an image may be padded with spaces, in a pod it may not. */
export const checkImage: Validator = (container, path, report) => {
  const image = text(container['image']);
  if (image !== image.trim()) report(invalidField(below(path, 'image'), image, 'must not have leading or trailing whitespace'));
};
