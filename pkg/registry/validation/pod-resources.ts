/** What a pod asks for as a whole, and the devices it claims. */
import { compareQuantities, isQuantity } from '../../api/quantity.ts';
import { duplicateField, forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { containerTotals } from '../pod-totals.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { type GoShape, goValue } from './go-value.ts';
import { dnsLabel, dnsSubdomain } from './names.ts';
import { osOf, type PodReport } from './pod-report.ts';
import { checkAmounts, checkContainerResource, checkPodResource } from './resource-amounts.ts';
import { object, type Rule } from './rules.ts';
import { below, checkName, type Report, type Validator } from './validator.ts';

const exceeds = (one: unknown, other: unknown): boolean =>
  isQuantity(text(one)) && isQuantity(text(other)) && compareQuantities(text(one), text(other)) > 0;

/** A pod's own amounts hold those of all its containers. */
export function checkPodResources(spec: Raw, path: string, report: PodReport): void {
  const own = spec['resources'];
  if (!isObject(own)) return;
  const at = below(path, 'resources');
  if (osOf(report.pod) === 'windows') {
    report(forbiddenField(at, 'may not be set for a windows pod'));
    return;
  }
  if (own['claims'] !== undefined) report(forbiddenField(below(at, 'claims'), 'claims may not be set for Resources at pod-level'));
  checkAmounts(own, { path: at, report, check: checkPodResource });
  checkDevices(report, below(at, 'claims'), own['claims']);
  const [requests, limits] = [objectAt(own['requests']), objectAt(own['limits'])];
  const tooLittle = (list: string, name: string, { given, all }: { readonly given: unknown; readonly all: string }): void => {
    if (exceeds(all, given))
      report(invalidField(`${below(at, list)}[${name}]`, given, `must be greater than or equal to aggregate container ${list} of ${all}`));
  };
  for (const [name, all] of containerTotals(spec, 'requests')) tooLittle('requests', name, { given: requests[name], all });
  for (const [name, all] of containerTotals(spec, 'limits'))
    if (name.startsWith('hugepages-')) tooLittle('limits', name, { given: limits[name], all });
  for (const [i, container] of objects(spec['containers']).entries()) {
    for (const [name, limit] of Object.entries(objectAt(objectAt(container['resources'])['limits']))) {
      const where = `${below(at, 'containers')}[${i}][${name}].limits`;
      if (exceeds(limit, limits[name]))
        report(invalidField(where, limit, `must be less than or equal to pod limits of ${text(limits[name])}`));
    }
  }
}

/** Of a container in a pod. */
export const resourcesInPod: Rule<PodReport> = object((value, path, report) => {
  checkAmounts(value, { path, report, check: checkContainerResource });
  checkDevices(report, below(path, 'claims'), value['claims']);
});

/** The devices that a container uses: each once, of those that the pod claims. */
function checkDevices(report: PodReport, path: string, claims: unknown): void {
  const used = new Set<string>();
  for (const [i, claim] of objects(claims).entries()) {
    const at = `${path}[${i}]`;
    const [name, request] = [text(claim['name']), text(claim['request'])];
    if (name === '') {
      report(requiredField(at));
      continue;
    }
    if (used.has(name)) report(duplicateField(at, name));
    else {
      if (request !== '') checkName(report, below(at, 'request'), request, dnsLabel);
      const key = request === '' ? name : `${name}/${request}`;
      if (used.has(key)) report(duplicateField(at, key));
      else if (request === '') for (const other of used) if (other.startsWith(`${name}/`)) report(duplicateField(at, name));
      used.add(key);
    }
    if (!report.pod.claims.has(name)) report(notClaimed(at, name, report.pod.claims));
  }
}

function notClaimed(path: string, name: string, claims: ReadonlySet<string>): Parameters<Report>[0] {
  const shown = claims.size === 0 ? ' which is empty' : `: ${[...claims].sort().join(', ')}`;
  const message = `Not found: ${JSON.stringify(name)}: must be one of the names in pod.spec.resourceClaims${shown}`;
  return { reason: 'FieldValueNotFound', message, field: path };
}

const claimShape: GoShape = {
  Name: ['name', ''],
  ResourceClaimName: ['resourceClaimName', null],
  ResourceClaimTemplateName: ['resourceClaimTemplateName', null],
};

/** A claim on devices: a claim object, or a template of one. */
const claim =
  (taken: Set<string>): Validator =>
  (value, path, report) => {
    const name = text(value['name']);
    if (name === '') report(requiredField(below(path, 'name')));
    else if (taken.has(name)) report(duplicateField(below(path, 'name'), name));
    else {
      checkName(report, below(path, 'name'), name, dnsLabel);
      taken.add(name);
    }
    const given = ['resourceClaimName', 'resourceClaimTemplateName'].filter((source) => value[source] !== undefined);
    const say = (detail: string): void => report(invalidField(path, goValue(value, claimShape), detail));
    if (given.length > 1) say('at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified');
    if (given.length === 0) say('must specify one of: `resourceClaimName`, `resourceClaimTemplateName`');
    for (const source of given) checkName(report, below(path, source), value[source], dnsSubdomain);
  };

const mirror = 'kubernetes.io/config.mirror';
export const resourceClaims: Rule<PodReport> = (value, path, report) => {
  const taken = new Set<string>();
  const isStatic = objectAt(report.pod.metadata?.['annotations'])[mirror] !== undefined;
  for (const [i, one] of objects(value).entries()) {
    if (isStatic) report(forbiddenField('', 'static pods do not support resource claims'));
    else claim(taken)(one, `${path}[${i}]`, report);
  }
};
