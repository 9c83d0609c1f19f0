/** Who a pod and its containers are to the kernel: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/ */
import { duplicateField, forbiddenField, invalidField, requiredField, tooLongField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { type GoShape, goValue } from './go-value.ts';
import { descending } from './paths.ts';
import type { PodReport } from './pod-report.ts';
import { between, each, fields, neededOneOf, object, type Rule, strictOneOf, validators } from './rules.ts';
import { below, type Report, type Validator } from './validator.ts';
import { windowsOptions, windowsShape } from './windows-options.ts';

/** Go's math.MaxInt32: what Linux takes as a user or a group. */
const maxId = 2 ** 31 - 1;
const id = between(0, maxId);
/** PATH_MAX, without the zero at the end. */
const maxProfilePath = 4_095;

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const profileShape: GoShape = { Type: ['type', ''], LocalhostProfile: ['localhostProfile', null] };

/** A profile from the machine's own files is named, and only that. */
const seccomp: Rule = object((value, path, report) => {
  const { type, localhostProfile: name } = value;
  const at = below(path, 'localhostProfile');
  neededOneOf(profileTypes, 'type is required when seccompProfile is set')(type, below(path, 'type'), report);
  if (type === 'Localhost') {
    if (name === undefined) report(requiredField(at, 'must be set when seccomp type is Localhost'));
    else descending(name, at, report);
  } else if (name !== undefined) report(invalidField(at, goValue(value, profileShape), 'can only be set when seccomp type is Localhost'));
});

const appArmor: Rule = object(({ type, localhostProfile: name }, path, report) => {
  const at = below(path, 'localhostProfile');
  if (type === 'Localhost') checkAppArmorName(report, at, name);
  else if (type !== 'RuntimeDefault' && type !== 'Unconfined')
    neededOneOf(profileTypes, 'type is required when appArmorProfile is set')(type, below(path, 'type'), report);
  else if (name !== undefined) report(invalidField(at, name, 'can only be set when AppArmor type is Localhost'));
});

function checkAppArmorName(report: Report, path: string, name: unknown): void {
  const given = text(name);
  if (given !== given.trim()) report(invalidField(path, given, 'must not be padded with whitespace'));
  else if (given === '') report(requiredField(path, 'must be set when AppArmor type is Localhost'));
  if (given.length > maxProfilePath) report(tooLongField(path, maxProfilePath));
}

const contextShape: GoShape = {
  Capabilities: ['capabilities', null, { Add: ['add', null], Drop: ['drop', null] }],
  Privileged: ['privileged', null],
  SELinuxOptions: ['seLinuxOptions', null, { User: ['user', ''], Role: ['role', ''], Type: ['type', ''], Level: ['level', ''] }],
  WindowsOptions: ['windowsOptions', null, windowsShape],
  RunAsUser: ['runAsUser', null],
  RunAsGroup: ['runAsGroup', null],
  RunAsNonRoot: ['runAsNonRoot', null],
  ReadOnlyRootFilesystem: ['readOnlyRootFilesystem', null],
  AllowPrivilegeEscalation: ['allowPrivilegeEscalation', null],
  ProcMount: ['procMount', null],
  SeccompProfile: ['seccompProfile', null, profileShape],
  AppArmorProfile: ['appArmorProfile', null, profileShape],
};

const escalation: Validator = (value, path, report) => {
  if (value['allowPrivilegeEscalation'] !== false) return;
  const say = (what: string): void =>
    report(invalidField(path, goValue(value, contextShape), `cannot set \`allowPrivilegeEscalation\` to false and ${what}`));
  if (value['privileged'] === true) say('`privileged` to true');
  const added = strings(objectAt(value['capabilities'])['add']).filter((capability) => capability === 'CAP_SYS_ADMIN');
  for (const _ of added) say('`capabilities.Add` CAP_SYS_ADMIN');
};

const procMount: Rule<PodReport> = (value, path, report) => {
  if (value === undefined) return;
  strictOneOf(['Default', 'Unmasked'])(value, path, report);
  if (value === 'Unmasked' && report.pod.spec['hostUsers'] !== false)
    report(invalidField(path, value, '`hostUsers` must be false to use `Unmasked`'));
};

/** A container's. */
export const securityContext: Rule<PodReport> = object(
  validators<PodReport>(
    fields<PodReport>({ runAsUser: id, runAsGroup: id, procMount, seccompProfile: seccomp }),
    escalation,
    fields({ windowsOptions, appArmorProfile: appArmor }),
  ),
);

const sysctlPart = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlPattern = `^(${sysctlPart}[\\./])*${sysctlPart}$`;
const sysctlSyntax = new RegExp(sysctlPattern);
const maxSysctl = 253;

const sysctls: Rule<PodReport> = (value, path, report) => {
  const names = new Set<string>();
  for (const [i, sysctl] of objects(value).entries()) {
    const at = `${path}[${i}].name`;
    const name = text(sysctl['name']);
    if (name === '') report(requiredField(at));
    else if (name.length > maxSysctl || !sysctlSyntax.test(name))
      report(invalidField(at, name, `must have at most ${maxSysctl} characters and match regex ${sysctlPattern}`));
    else if (names.has(name)) report(duplicateField(at, name));
    const shared = sharedWithMachine(name, report.pod.spec);
    if (shared !== undefined) report(invalidField(at, name, `may not be specified when '${shared}' is true`));
    names.add(name);
  }
};

const ofIpc = /^(kernel\.sem$|kernel\.shm|kernel\.msg|fs\.mqueue\.)/;

/** A pod that lives in a namespace of the machine may not turn the machine's own knobs. */
function sharedWithMachine(sysctl: string, spec: Raw): string | undefined {
  const name = sysctl.replaceAll('/', '.');
  if (spec['hostNetwork'] === true && name.startsWith('net.')) return 'hostNetwork';
  if (spec['hostIPC'] === true && ofIpc.test(name)) return 'hostIPC';
  return undefined;
}

const chosen =
  (supported: readonly string[]): Rule =>
  (value, path, report) => {
    if (value !== undefined) strictOneOf(supported)(value, path, report);
  };

export const podSecurityContext: Rule<PodReport> = object(
  validators<PodReport>(
    fields({ fsGroup: id, runAsUser: id, runAsGroup: id, supplementalGroups: each(id) }),
    (_value, path, report) => {
      const { shareProcessNamespace: shared, hostPID } = report.pod.spec;
      if (shared === true && hostPID === true)
        report(invalidField(below(path, 'shareProcessNamespace'), true, 'ShareProcessNamespace and HostPID cannot both be enabled'));
    },
    fields<PodReport>({
      sysctls,
      fsGroupChangePolicy: chosen(['Always', 'OnRootMismatch']),
      seccompProfile: seccomp,
      windowsOptions,
      appArmorProfile: appArmor,
      supplementalGroupsPolicy: chosen(['Merge', 'Strict']),
      seLinuxChangePolicy: chosen(['Recursive']),
    }),
  ),
);

type AnnotationCheck = (value: string, profile: unknown, place: { readonly path: string; readonly report: Report }) => void;

/** A profile in an annotation, as it was said before there were fields, must be the one in the field. */
function profileAnnotation(system: string, runtimeDefaults: readonly string[]): AnnotationCheck {
  const localhost = 'localhost/';
  return (value, profile, { path, report }) => {
    if (!isObject(profile)) return;
    const mismatch = (field: string, what: string): void =>
      report(forbiddenField(below(path, field), `${system} ${what} in annotation and field must match`));
    const { type, localhostProfile } = profile;
    if (type === 'Unconfined' && value !== 'unconfined') mismatch('type', 'type');
    if (type === 'RuntimeDefault' && !runtimeDefaults.includes(value)) mismatch('type', 'type');
    if (type !== 'Localhost') return;
    if (!value.startsWith(localhost)) mismatch('type', 'type');
    else if (value.slice(localhost.length) !== localhostProfile) mismatch('localhostProfile', 'profile');
  };
}

export const seccompAnnotation = profileAnnotation('seccomp', ['runtime/default', 'docker/default']);
export const appArmorAnnotation = profileAnnotation('apparmor', ['runtime/default']);
