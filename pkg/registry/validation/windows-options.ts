/** Who a container is on Windows: https://kubernetes.io/docs/tasks/configure-pod-container/configure-runasusername/ */
import { invalidField } from '../../runtime/field-errors.ts';
import { objectAt, type Raw, text } from '../raw.ts';
import type { GoShape } from './go-value.ts';
import { dnsSubdomain } from './names.ts';
import { eachContainer } from './pod-report.ts';
import { fields, object, type Rule } from './rules.ts';
import { below, checkName, type Report } from './validator.ts';

export const windowsShape: GoShape = {
  GMSACredentialSpecName: ['gmsaCredentialSpecName', null],
  GMSACredentialSpec: ['gmsaCredentialSpec', null],
  RunAsUserName: ['runAsUserName', null],
  HostProcess: ['hostProcess', null],
};

const maxCredentialKib = 64;
const maxDomain = 256;
const maxUser = 104;

const credential: Rule = (value, path, report) => {
  if (value === '') report(invalidField(path, value, 'gmsaCredentialSpec cannot be an empty string'));
  if (text(value).length > maxCredentialKib * 1024)
    report(invalidField(path, value, `gmsaCredentialSpec size must be under ${maxCredentialKib} KiB`));
};

const netBios = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const dnsDomain = new RegExp(`^${label}(?:\\.${label})*$`);
const forbiddenInUser = /["/\\:;|=,+*?<>@[\]]/;

/** `DOMAIN\user`, or a user alone. */
function userFaults(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string'];
  if (/\p{Cc}/u.test(name)) return ['runAsUserName cannot contain control characters'];
  const parts = name.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const user = parts.at(-1) ?? '';
  const domain = parts.length === 2 ? (parts[0] ?? '') : undefined;
  const faults: string[] = [];
  if (domain !== undefined && domain.length >= maxDomain)
    faults.push(`runAsUserName's Domain length must be under ${maxDomain} characters`);
  if (domain !== undefined && !netBios.test(domain) && !dnsDomain.test(domain))
    faults.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  if (user === '') faults.push("runAsUserName's User cannot be empty");
  if (user.length > maxUser) faults.push(`runAsUserName's User length must not be longer than ${maxUser} characters`);
  if (/^[. ]+$/.test(user)) faults.push("runAsUserName's User cannot contain only periods or spaces");
  if (forbiddenInUser.test(user)) faults.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]');
  return faults;
}

export const windowsOptions: Rule = object(
  fields({
    gmsaCredentialSpecName: (value, path, report) => {
      if (value !== undefined) checkName(report, path, value, dnsSubdomain);
    },
    gmsaCredentialSpec: credential,
    runAsUserName: (value, path, report) => {
      if (value !== undefined) for (const fault of userFaults(text(value))) report(invalidField(path, value, fault));
    },
  }),
);

const hostProcessOf = (context: unknown): unknown => objectAt(objectAt(context)['windowsOptions'])['hostProcess'];

/** Containers that are processes of the machine itself: all of a pod's, or none. */
export function checkHostProcesses(spec: Raw, path: string, report: Report): void {
  const whole = hostProcessOf(spec['securityContext']);
  let [all, onHost] = [0, 0];
  eachContainer(spec, path, (container, at) => {
    const own = hostProcessOf(container['securityContext']);
    all++;
    if ((own ?? whole) === true) onHost++;
    if (whole !== undefined && own !== undefined && own !== whole) {
      const detail = `pod hostProcess value must be identical if both are specified, was ${String(whole)}`;
      report(invalidField(below(at, 'securityContext.windowsOptions.hostProcess'), own, detail));
    }
  });
  if (onHost === 0) return;
  if (onHost !== all) {
    const detail = 'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    report(invalidField(path, '', detail));
  }
  if (spec['hostNetwork'] !== true)
    report(invalidField(below(path, 'hostNetwork'), false, 'hostNetwork must be true if pod contains any hostProcess containers'));
}
