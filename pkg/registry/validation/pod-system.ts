/** What a pod may say by the system that it is for: https://kubernetes.io/docs/concepts/windows/intro/#compatibility-linux-similarities */
import { forbiddenField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, type Raw, text } from '../raw.ts';
import { eachContainer } from './pod-report.ts';
import { below, type Report } from './validator.ts';

/** What Linux alone knows, in the order in which it is looked for; some of it the API keeps beside the context. */
const podLinux = [
  'securityContext.appArmorProfile',
  'securityContext.seLinuxOptions',
  'hostUsers',
  'hostPID',
  'hostIPC',
  'securityContext.seccompProfile',
  'securityContext.fsGroup',
  'securityContext.fsGroupChangePolicy',
  'securityContext.sysctls',
  'shareProcessNamespace',
  'securityContext.runAsUser',
  'securityContext.runAsGroup',
  'securityContext.supplementalGroups',
  'securityContext.supplementalGroupsPolicy',
  'securityContext.seLinuxChangePolicy',
];
const containerLinux = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
];
const said = (value: unknown): boolean => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
/** For fields that are said when they are false, too. */
const pointers = new Set(['hostUsers', 'shareProcessNamespace', 'readOnlyRootFilesystem', 'privileged', 'allowPrivilegeEscalation']);

const given = (value: unknown, field: string): boolean => (pointers.has(field) ? value !== undefined : said(value));

function forLinux(spec: Raw, path: string, report: Report): void {
  const refuse = (context: unknown, at: string): void => {
    if (isObject(objectAt(context)['windowsOptions']))
      report(forbiddenField(below(at, 'securityContext.windowsOptions'), 'windows options cannot be set for a linux pod'));
  };
  refuse(spec['securityContext'], path);
  eachContainer(spec, path, (container, at) => refuse(container['securityContext'], at));
}

function forWindows(spec: Raw, path: string, report: Report): void {
  const refuse = (at: string): void => report(forbiddenField(at, 'cannot be set for a windows pod'));
  for (const where of podLinux) {
    const [first = '', second] = where.split('.');
    const value = second === undefined ? spec[first] : objectAt(spec[first])[second];
    if (given(value, where)) refuse(below(path, where));
  }
  eachContainer(spec, path, (container, at) => {
    const context = objectAt(container['securityContext']);
    for (const field of containerLinux) if (given(context[field], field)) refuse(below(at, `securityContext.${field}`));
  });
}

export function checkSystem(spec: Raw, path: string, report: Report): void {
  if (!isObject(spec['os'])) return;
  const name = text(spec['os']['name']);
  if (name === '') report(requiredField(below(path, 'os.name')));
  else if (name === 'linux') forLinux(spec, path, report);
  else if (name === 'windows') forWindows(spec, path, report);
  else report(unsupportedField(below(path, 'os'), name, ['linux', 'windows']));
}
