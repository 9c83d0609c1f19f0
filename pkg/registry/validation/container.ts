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
import { below, checkName, checkNotNegative, checkOneOf, type Report, type Validator, type Validators } from './validator.ts';

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

const notEphemeral = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'resources'];
function validateEphemeral(value: Raw, path: string, report: Report): void {
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

/** The volumes of the pod that the container is in. */
function volumeNames(root: Raw, path: string): Set<string> {
  let at: unknown = root;
  // From `spec.template.spec.containers[0]` to `spec.template.spec`.
  for (const part of path.split('.').slice(0, -1)) at = stepInto(at, part);
  return new Set(objects(objectAt(at)['volumes']).map((volume) => text(volume['name'])));
}

function stepInto(value: unknown, part: string): unknown {
  const [, field = part, index] = /^([^[]*)(?:\[(\d+)\])?$/.exec(part) ?? [];
  const found = objectAt(value)[field];
  return index === undefined ? found : Array.isArray(found) ? found[Number(index)] : undefined;
}

function validateMounts(value: Raw, path: string, report: Report): void {
  const mounts = objects(value['volumeMounts']);
  if (mounts.length === 0) return;
  const known = volumeNames(report.root, path);
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

const securityContext: Validator = (value, path, report) => {
  for (const field of ['runAsUser', 'runAsGroup']) {
    const id = value[field];
    if (typeof id === 'number' && (id < 0 || id > 2 ** 31 - 1)) {
      report(invalidField(below(path, field), id, 'must be between 0 and 2147483647, inclusive'));
    }
  }
  if (value['allowPrivilegeEscalation'] === false && value['privileged'] === true) {
    report(invalidField(path, value, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
  }
  checkOneOf(report, below(path, 'procMount'), value['procMount'], ['Default', 'Unmasked']);
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

export const containerValidators: Validators = {
  'api.core.v1.Container': container,
  'api.core.v1.EphemeralContainer': container,
  'api.core.v1.EnvVar': environment,
  'api.core.v1.EnvFromSource': environmentSource,
  'api.core.v1.ConfigMapKeySelector': keySelector,
  'api.core.v1.SecretKeySelector': keySelector,
  'api.core.v1.ResourceFieldSelector'(value, path, report) {
    const name = text(value['resource']);
    if (name === '') report(requiredField(below(path, 'resource')));
    else if (!resourcePaths.includes(name) && !/^(limits|requests)\.hugepages-/.test(name))
      report(unsupportedField(below(path, 'resource'), name, resourcePaths));
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
  'api.core.v1.SecurityContext': securityContext,
};
