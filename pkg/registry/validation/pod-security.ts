/** Who a pod and its containers are to the kernel: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/ */
import { duplicateField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { objectAt, objects, text } from '../raw.ts';
import { checkLocalPath } from './container.ts';
import { between, each, fields, neededOneOf, oneOf, type Rule, validators } from './rules.ts';
import { below, type Validator, type Validators } from './validator.ts';

/** Go's math.MaxInt32: what Linux takes as a user or a group. */
const maxId = 2 ** 31 - 1;
const id = between(0, maxId);

/** A profile from the machine's own files is named, and only that. `what` names the mechanism in messages. */
function profile(what: string): Validator {
  return ({ type, localhostProfile: name }, path, report) => {
    const at = below(path, 'localhostProfile');
    neededOneOf(['Localhost', 'RuntimeDefault', 'Unconfined'])(type, below(path, 'type'), report);
    if (type === 'Localhost') {
      if (text(name) === '') report(requiredField(at, `must be set when ${what} type is Localhost`));
      else checkLocalPath(report, at, text(name));
    } else if (name !== undefined) report(invalidField(at, name, `can only be set when ${what} type is Localhost`));
  };
}

const container: Validator = validators(
  fields({ runAsUser: id, runAsGroup: id, procMount: oneOf(['Default', 'Unmasked']) }),
  (value, path, report) => {
    if (value['allowPrivilegeEscalation'] !== false) return;
    const say = (what: string): void =>
      report(invalidField(path, value, `cannot set \`allowPrivilegeEscalation\` to false and \`${what}\` to true`));
    if (value['privileged'] === true) say('privileged');
    const added = objectAt(value['capabilities'])['add'];
    if (Array.isArray(added) && added.includes('CAP_SYS_ADMIN'))
      report(invalidField(path, value, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'));
  },
);

const sysctlPart = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlPattern = `${sysctlPart}([./]${sysctlPart})*`;
const sysctlSyntax = new RegExp(`^${sysctlPattern}$`);
const maxSysctl = 253;

const sysctls: Rule = (value, path, report) => {
  const names = new Set<string>();
  for (const [i, sysctl] of objects(value).entries()) {
    const at = `${path}[${i}].name`;
    const name = text(sysctl['name']);
    if (name === '') report(requiredField(at));
    else if (name.length > maxSysctl || !sysctlSyntax.test(name))
      report(invalidField(at, name, `must have at most ${maxSysctl} characters and match regex ^${sysctlPattern}$`));
    else if (names.has(name)) report(duplicateField(at, name));
    names.add(name);
  }
};

export const podSecurityValidators: Validators = {
  'api.core.v1.SecurityContext': container,
  'api.core.v1.PodSecurityContext': fields({
    runAsUser: id,
    runAsGroup: id,
    fsGroup: id,
    supplementalGroups: each(id),
    sysctls,
    fsGroupChangePolicy: oneOf(['Always', 'OnRootMismatch']),
    supplementalGroupsPolicy: oneOf(['Merge', 'Strict']),
    seLinuxChangePolicy: oneOf(['MountOption', 'Recursive']),
  }),
  'api.core.v1.SeccompProfile': profile('seccomp'),
  'api.core.v1.AppArmorProfile': profile('AppArmor'),
};
