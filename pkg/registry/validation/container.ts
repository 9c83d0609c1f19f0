/** Containers: their names, images, ports, environment, mounts, probes and resources. */

import {
  duplicateField,
  forbiddenField,
  invalidField,
  notFoundField,
  requiredField,
  unsupportedField,
} from '../../runtime/field-errors.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { configKey, dnsLabel, dnsSubdomain, environmentName, portName, portNumber } from './names.ts';
import { containerResources } from './resource-amounts.ts';
import { atMost, neededOneOf, type Rule, strictOneOf, uniqueBy } from './rules.ts';
import { below, checkName, checkNotNegative, checkOneOf, type Report, seenAbove, type Validator, type Validators } from './validator.ts';

const isInit = (path: string): boolean => /(^|\.)initContainers\[\d+\]$/.test(path);
const isEphemeral = (path: string): boolean => /(^|\.)ephemeralContainers\[\d+\]$/.test(path);
export const protocols = ['SCTP', 'TCP', 'UDP'];

/** Only what goes on beside the others (a sidecar) is watched while it runs. */
const onlyLongRunning = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'];

const container: Validator = (value, path, report) => {
  const name = text(value['name']);
  if (name === '') report(requiredField(below(path, 'name')));
  else checkName(report, below(path, 'name'), name, dnsLabel);
  const image = text(value['image']);
  if (image === '') report(requiredField(below(path, 'image')));
  else if (image !== image.trim()) report(invalidField(below(path, 'image'), image, 'must not have leading or trailing whitespace'));
  checkOneOf(report, below(path, 'imagePullPolicy'), value['imagePullPolicy'], ['Always', 'IfNotPresent', 'Never']);
  checkOneOf(report, below(path, 'terminationMessagePolicy'), value['terminationMessagePolicy'], ['File', 'FallbackToLogsOnError']);
  validatePorts(value['ports'], below(path, 'ports'), report);
  validateMounts(value, path, report);
  resizePolicies(value['resizePolicy'], below(path, 'resizePolicy'), report);
  validateRestartRules(value, path, report);
  if (isInit(path)) validateInit(value, path, report);
  else if (isEphemeral(path)) validateEphemeral(value, path, report);
  else {
    for (const probe of ['livenessProbe', 'startupProbe']) {
      const times = objectAt(value[probe])['successThreshold'];
      if (times !== undefined && times !== 1) report(invalidField(`${below(path, probe)}.successThreshold`, times, 'must be 1'));
    }
  }
};

function validateInit(value: Raw, path: string, report: Report): void {
  const policy = value['restartPolicy'];
  if (policy !== undefined) checkOneOf(report, below(path, 'restartPolicy'), policy, ['Always', 'Never', 'OnFailure']);
  if (policy === 'Always') return;
  for (const field of onlyLongRunning) {
    if (value[field] !== undefined)
      report(forbiddenField(below(path, field), 'may not be set for init containers without restartPolicy=Always'));
  }
}

const resizePolicies: Rule = (value, path, report) => {
  for (const [i, { resourceName, restartPolicy }] of objects(value).entries()) {
    const at = `${path}[${i}]`;
    strictOneOf(['cpu', 'memory'])(resourceName, below(at, 'resourceName'), report);
    strictOneOf(['NotRequired', 'RestartContainer'])(restartPolicy, below(at, 'restartPolicy'), report);
  }
  uniqueBy('resourceName', 'item')(value, path, report);
};

const maxRestartRules = 20;
const maxExitCodes = 255;

function validateRestartRules(value: Raw, path: string, report: Report): void {
  if (!isInit(path) && !isEphemeral(path))
    checkOneOf(report, below(path, 'restartPolicy'), value['restartPolicy'], ['Always', 'Never', 'OnFailure']);
  const rules = objects(value['restartPolicyRules']);
  const at = below(path, 'restartPolicyRules');
  if (rules.length === 0) return;
  if (value['restartPolicy'] === undefined)
    report(requiredField(below(path, 'restartPolicy'), 'must specify restartPolicy when restart rules are used'));
  atMost(maxRestartRules)(rules, at, report);
  for (const [i, { action, exitCodes }] of rules.entries()) {
    neededOneOf(['Restart', 'RestartAllContainers'])(action, `${at}[${i}].action`, report);
    if (!isObject(exitCodes)) {
      report(requiredField(`${at}[${i}].exitCodes`, 'must be specified'));
      continue;
    }
    neededOneOf(['In', 'NotIn'])(exitCodes['operator'], `${at}[${i}].exitCodes.operator`, report);
    atMost(maxExitCodes)(exitCodes['values'], `${at}[${i}].exitCodes.values`, report);
  }
}

const notEphemeral = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'resources'];
function validateEphemeral(value: Raw, path: string, report: Report): void {
  const target = text(value['targetContainerName']);
  if (target !== '' && !namesInPod(report.root, path).includes(target)) report(notFoundField(below(path, 'targetContainerName'), target));
  for (const [i, mount] of objects(value['volumeMounts']).entries()) {
    for (const field of ['subPath', 'subPathExpr']) {
      if (text(mount[field]) !== '')
        report(forbiddenField(`${below(path, 'volumeMounts')}[${i}].${field}`, 'cannot be set for an Ephemeral Container'));
    }
  }
  for (const field of notEphemeral) {
    const given = value[field];
    if (given === undefined || (isObject(given) && Object.keys(given).length === 0)) continue;
    report(forbiddenField(below(path, field), 'cannot be set for an Ephemeral Container'));
  }
}

function validatePorts(ports: unknown, path: string, report: Report): void {
  const names = new Set<string>();
  for (const [i, port] of objects(ports).entries()) {
    const at = `${path}[${i}]`;
    const name = text(port['name']);
    if (name !== '') {
      checkName(report, below(at, 'name'), name, portName);
      if (names.has(name)) report(duplicateField(below(at, 'name'), name));
      names.add(name);
    }
    const { containerPort, hostPort } = port;
    if (typeof containerPort !== 'number' || containerPort === 0) report(requiredField(below(at, 'containerPort')));
    else for (const reason of portNumber(containerPort)) report(invalidField(below(at, 'containerPort'), containerPort, reason));
    if (typeof hostPort === 'number' && hostPort !== 0) {
      for (const reason of portNumber(hostPort)) report(invalidField(below(at, 'hostPort'), hostPort, reason));
    }
    if (text(port['protocol']) === '') report(requiredField(below(at, 'protocol')));
    else checkOneOf(report, below(at, 'protocol'), port['protocol'], protocols);
  }
}

/** The spec of the pod that the container is in. */
function podOf(root: Raw, path: string): Raw {
  let at: unknown = root;
  // From `spec.template.spec.containers[0]` to `spec.template.spec`.
  for (const part of path.split('.').slice(0, -1)) at = stepInto(at, part);
  return objectAt(at);
}

const namesOf = (list: unknown): string[] => objects(list).map((item) => text(item['name']));
const namesInPod = (root: Raw, path: string): string[] => {
  const pod = podOf(root, path);
  return [...namesOf(pod['containers']), ...namesOf(pod['initContainers'])];
};

function stepInto(value: unknown, part: string): unknown {
  const [, field = part, index] = /^([^[]*)(?:\[(\d+)\])?$/.exec(part) ?? [];
  const found = objectAt(value)[field];
  return index === undefined ? found : Array.isArray(found) ? found[Number(index)] : undefined;
}

function validateMounts(value: Raw, path: string, report: Report): void {
  const mounts = objects(value['volumeMounts']);
  const devices = objects(value['volumeDevices']);
  if (mounts.length + devices.length === 0) return;
  const volumes = objects(podOf(report.root, path)['volumes']);
  const known = new Set(namesOf(volumes));
  const paths = new Set<string>();
  for (const [i, mount] of mounts.entries()) {
    const at = `${below(path, 'volumeMounts')}[${i}]`;
    const name = text(mount['name']);
    if (name === '') report(requiredField(below(at, 'name')));
    else if (!known.has(name)) report(notFoundField(below(at, 'name'), name));
    const mountPath = text(mount['mountPath']);
    if (mountPath === '') report(requiredField(below(at, 'mountPath')));
    else if (paths.has(mountPath)) report(invalidField(below(at, 'mountPath'), mountPath, 'must be unique'));
    paths.add(mountPath);
    for (const field of ['subPath', 'subPathExpr']) checkLocalPath(report, below(at, field), text(mount[field]));
    if (text(mount['subPath']) !== '' && text(mount['subPathExpr']) !== '') {
      report(invalidField(below(at, 'subPathExpr'), mount['subPathExpr'], 'subPathExpr and subPath are mutually exclusive'));
    }
    checkOneOf(report, below(at, 'mountPropagation'), mount['mountPropagation'], ['Bidirectional', 'HostToContainer', 'None']);
    if (mount['mountPropagation'] === 'Bidirectional' && objectAt(value['securityContext'])['privileged'] !== true) {
      report(forbiddenField(below(at, 'mountPropagation'), 'Bidirectional mount propagation is available only to privileged containers'));
    }
    checkOneOf(report, below(at, 'recursiveReadOnly'), mount['recursiveReadOnly'], ['Disabled', 'Enabled', 'IfPossible']);
  }
  validateDevices(devices, volumes, { path, report, paths });
}

interface DeviceCall {
  readonly path: string;
  readonly report: Report;
  /** Where the container has something already. */
  readonly paths: ReadonlySet<string>;
}

/** Volumes without a file system: what a claim brings. */
function validateDevices(devices: readonly Raw[], volumes: readonly Raw[], { path, report, paths }: DeviceCall): void {
  const seen = new Set<string>();
  for (const [i, device] of devices.entries()) {
    const at = `${below(path, 'volumeDevices')}[${i}]`;
    const [name, devicePath] = [text(device['name']), text(device['devicePath'])];
    const volume = volumes.find((one) => one['name'] === name);
    if (name === '') report(requiredField(below(at, 'name')));
    else if (!volume) report(notFoundField(below(at, 'name'), name));
    else if (volume['persistentVolumeClaim'] === undefined && volume['ephemeral'] === undefined) {
      const detail = 'can not use volume source type other than PersistentVolumeClaim for block mode';
      report(invalidField(below(at, 'name'), name, detail));
    }
    if (devicePath === '') report(requiredField(below(at, 'devicePath')));
    else if (seen.has(devicePath)) report(invalidField(below(at, 'devicePath'), devicePath, 'must be unique'));
    else if (paths.has(devicePath)) report(invalidField(below(at, 'devicePath'), devicePath, 'must not already exist in volumeMounts'));
    if (devicePath.split('/').includes('..')) report(invalidField(below(at, 'devicePath'), devicePath, "must not contain '..'"));
    seen.add(devicePath);
  }
}

/** A path below something: it must stay below. */
export function checkLocalPath(report: Report, path: string, value: string): void {
  if (value.startsWith('/')) report(invalidField(path, value, 'must be a relative path'));
  if (value.split('/').includes('..')) report(invalidField(path, value, "must not contain '..'"));
}

const fieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const subscripted = /^metadata\.(labels|annotations)\['(.*)'\]$/;
const resourcePaths = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

const environment: Validator = (variable, path, report) => {
  const name = text(variable['name']);
  if (name === '') report(requiredField(below(path, 'name')));
  else checkName(report, below(path, 'name'), name, environmentName);
  const source = variable['valueFrom'];
  if (!isObject(source)) return;
  const at = below(path, 'valueFrom');
  const given = Object.keys(source);
  if (given.length === 0) {
    report(invalidField(at, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'));
  } else if (text(variable['value']) !== '') {
    report(invalidField(at, '', 'may not be specified when `value` is not empty'));
  } else if (given.length > 1) {
    report(invalidField(at, '', 'may not have more than one field specified at a time'));
  }
  const reference = source['fieldRef'];
  if (!isObject(reference)) return;
  const field = text(reference['fieldPath']);
  const where = below(at, 'fieldRef.fieldPath');
  if (field !== '' && !subscripted.test(field) && !fieldPaths.includes(field)) {
    if (/^(metadata|spec|status)\.[\w.]+$/.test(field)) report(unsupportedField(where, field, fieldPaths));
    else report(invalidField(where, field, `error converting fieldPath: field label not supported: ${field}`));
  }
};

const httpHeader = /^[-A-Za-z0-9]+$/;

function checkPort(report: Report, path: string, port: unknown): void {
  if (typeof port === 'string') checkName(report, path, port, portName);
  else for (const reason of portNumber(Number(port ?? 0))) report(invalidField(path, port ?? 0, reason));
}

const handlers = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'];
function checkHandler(value: Raw, path: string, report: Report): void {
  const given = handlers.filter((handler) => value[handler] !== undefined);
  if (given.length === 0) report(requiredField(path, 'must specify a handler type'));
  for (const extra of given.slice(1)) report(forbiddenField(below(path, extra), 'may not specify more than 1 handler type'));
}

const probe: Validator = (value, path, report) => {
  checkHandler(value, path, report);
  for (const field of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold']) {
    checkNotNegative(report, below(path, field), value[field]);
  }
  const grace = value['terminationGracePeriodSeconds'];
  if (grace === undefined) return;
  const at = below(path, 'terminationGracePeriodSeconds');
  if (path.endsWith('readinessProbe')) report(invalidField(at, grace, 'must not be set for readinessProbes'));
  else if (Number(grace) <= 0) report(invalidField(at, grace, 'must be greater than 0'));
};

/** One entry of a ConfigMap or Secret. (Its name may be empty, for compatibility with what was once allowed.) */
const keySelector: Validator = (value, path, report) => {
  const key = text(value['key']);
  if (key === '') report(requiredField(below(path, 'key')));
  else checkName(report, below(path, 'key'), key, configKey);
};

const environmentSource: Validator = (value, path, report) => {
  const prefix = text(value['prefix']);
  if (prefix !== '') checkName(report, below(path, 'prefix'), prefix, environmentName);
  const given = ['configMapRef', 'secretRef'].filter((field) => value[field] !== undefined);
  if (given.length === 0) report(invalidField(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
  if (given.length > 1) report(invalidField(path, '', 'may not have more than one field specified at a time'));
  for (const field of given) {
    const name = text(objectAt(value[field])['name']);
    if (name === '') report(requiredField(below(path, `${field}.name`)));
    else checkName(report, below(path, `${field}.name`), name, dnsSubdomain);
  }
};

const cpuDivisors = ['1m', '1'];
const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

/** In what an amount is counted; zero means one. */
function checkDivisor(report: Report, path: string, name: string, divisor: string): void {
  if (divisor === '' || divisor === '0') return;
  const kind = name.slice(name.indexOf('.') + 1);
  const allowed = kind === 'cpu' ? cpuDivisors : byteDivisors;
  if (!allowed.includes(divisor)) {
    report(invalidField(path, kind, `only divisor's values ${allowed.join(', ')} are supported with the ${kind} resource`));
  }
}

export const containerValidators: Validators = {
  'api.core.v1.Container': container,
  'api.core.v1.EphemeralContainer': container,
  'api.core.v1.ContainerResizePolicy': seenAbove,
  'api.core.v1.ContainerRestartRule': seenAbove,
  'api.core.v1.ContainerRestartRuleOnExitCodes': seenAbove,
  'api.core.v1.VolumeDevice': seenAbove,
  'api.core.v1.ResourceClaim': seenAbove,
  'api.core.v1.EnvVar': environment,
  'api.core.v1.EnvFromSource': environmentSource,
  'api.core.v1.ConfigMapKeySelector': keySelector,
  'api.core.v1.SecretKeySelector': keySelector,
  'api.core.v1.ResourceFieldSelector'(value, path, report) {
    const name = text(value['resource']);
    if (name === '') report(requiredField(below(path, 'resource')));
    else if (!resourcePaths.includes(name) && !/^(limits|requests)\.hugepages-/.test(name))
      report(unsupportedField(below(path, 'resource'), name, resourcePaths));
    else checkDivisor(report, below(path, 'divisor'), name, text(value['divisor']));
  },
  'api.core.v1.Probe': probe,
  'api.core.v1.LifecycleHandler': (value, path, report) => checkHandler(value, path, report),
  'api.core.v1.ExecAction'(value, path, report) {
    if (strings(value['command']).length === 0) report(requiredField(below(path, 'command')));
  },
  'api.core.v1.HTTPGetAction'(value, path, report) {
    if (text(value['path']) === '') report(requiredField(below(path, 'path')));
    checkPort(report, below(path, 'port'), value['port']);
    checkOneOf(report, below(path, 'scheme'), value['scheme'], ['HTTP', 'HTTPS']);
    for (const [i, header] of objects(value['httpHeaders']).entries()) {
      const name = text(header['name']);
      if (!httpHeader.test(name)) {
        report(
          invalidField(
            `${below(path, 'httpHeaders')}[${i}].name`,
            name,
            "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
          ),
        );
      }
    }
  },
  'api.core.v1.TCPSocketAction': (value, path, report) => checkPort(report, below(path, 'port'), value['port']),
  'api.core.v1.GRPCAction': (value, path, report) => checkPort(report, below(path, 'port'), value['port']),
  'api.core.v1.SleepAction'(value, path, report) {
    if (Number(value['seconds'] ?? 0) < 0) report(invalidField(path, value['seconds'], 'must be non-negative'));
  },
  'api.core.v1.ResourceRequirements': containerResources,
};
