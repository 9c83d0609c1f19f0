/** Nodes: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/ */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { duplicateField, forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { parseCidr } from '../ip-address.ts';
import { objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { labelValue, qualifiedName } from './names.ts';
import { checkAmountOf } from './resource-amounts.ts';
import { taintEffects } from './toleration.ts';
import { below, checkName, collect, type Report, type Validators } from './validator.ts';

/** Kubernetes looks for them in the metadata, where they once were annotations. */
const taintsAt = 'metadata.taints';

function checkTaints(taints: unknown, report: Report): void {
  const seen = new Set<string>();
  for (const [i, taint] of objects(taints).entries()) {
    const at = `${taintsAt}[${i}]`;
    const [key, value, effect] = [text(taint['key']), text(taint['value']), text(taint['effect'])];
    checkName(report, below(at, 'key'), key, qualifiedName);
    const reasons = labelValue(value);
    if (reasons.length > 0) report(invalidField(below(at, 'value'), value, reasons.join(';')));
    if (effect === '') report(requiredField(below(at, 'effect')));
    else if (!taintEffects.includes(effect)) report(unsupportedField(below(at, 'effect'), effect, taintEffects));
    const shown = { Key: key, Value: value, Effect: effect, TimeAdded: taint['timeAdded'] ?? null };
    if (seen.has(`${key}:${effect}`)) report(duplicateField(at, shown, 'taints must be unique by key and effect pair'));
    seen.add(`${key}:${effect}`);
  }
}

function checkResources(status: Raw, report: Report): void {
  for (const list of ['capacity', 'allocatable']) {
    for (const [name, amount] of Object.entries(objectAt(status[list]))) checkAmountOf(report, `status.${list}.${name}`, name, amount);
  }
}

const featureSyntax = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/;
const maxFeature = 253;
const featureHint =
  "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes";

/** What a kubelet can do, in order. */
function checkFeatures(status: Raw, report: Report): void {
  const path = 'status.declaredFeatures';
  const features = strings(status['declaredFeatures']);
  for (const [i, feature] of features.entries()) {
    const fault =
      feature.length > maxFeature ? `must be no more than ${maxFeature} characters` : featureSyntax.test(feature) ? '' : featureHint;
    if (fault !== '') report(invalidField(`${path}[${i}]`, feature, `invalid feature name ${JSON.stringify(feature)}: ${fault}`));
    const next = features[i + 1];
    if (next === undefined) continue;
    if (feature === next) report(duplicateField(`${path}[${i + 1}]`, next));
    else if (feature > next) report(invalidField(`${path}[${i + 1}]`, next, 'list must be sorted alphabetically'));
  }
}

function checkBlocks(blocks: readonly string[], report: Report): void {
  const path = 'spec.podCIDRs';
  const parsed = blocks.map((block) => parseCidr(block));
  for (const [i, block] of blocks.entries())
    if (!parsed[i]) report(invalidField(`${path}[${i}]`, block, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
  if (blocks.length < 2) return;
  const bad = parsed.indexOf(undefined);
  if (bad >= 0) {
    const what = `invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[${bad}]: <nil> (invalid CIDR address: ${blocks[bad]})`;
    report({ reason: 'InternalError', field: path, message: `Internal error: ${what}` });
  }
  if (bad >= 0 || blocks.length > 2 || new Set(parsed.map((block) => block?.family)).size < 2)
    report(invalidField(path, blocks, 'may specify no more than one CIDR for each IP family'));
}

function checkNew({ spec, status }: Raw, report: Report): void {
  checkTaints(objectAt(spec)['taints'], report);
  checkResources(objectAt(status), report);
  checkFeatures(objectAt(status), report);
  checkBlocks(strings(objectAt(spec)['podCIDRs']), report);
}

/** Of a node's spec its taints and whether it takes pods may change, and what was not known yet. */
function checkAgain(node: Raw, old: Raw, report: Report): void {
  const [spec, before, status] = [objectAt(node['spec']), objectAt(old['spec']), objectAt(node['status'])];
  checkResources(status, report);
  checkFeatures(status, report);
  const addresses = new Set<string>();
  for (const [i, { type, address }] of objects(status['addresses']).entries()) {
    const shown = { Type: text(type), Address: text(address) };
    const key = JSON.stringify(shown);
    if (addresses.has(key)) report(duplicateField(`status.addresses[${i}]`, shown));
    addresses.add(key);
  }
  checkFixed(spec, before, report);
  checkTaints(spec['taints'], report);
  if (text(spec['externalID']) !== text(before['externalID'])) report(forbiddenField('spec.externalID', 'may not be updated'));
}

function checkFixed(spec: Raw, before: Raw, report: Report): void {
  const [now, was] = [strings(spec['podCIDRs']), strings(before['podCIDRs'])];
  const refuse = (field: string): void =>
    report(forbiddenField(`spec.${field}`, `node updates may not change ${field.replace(/s$/, '')} except from "" to valid`));
  if (was.length > 0 && was.length !== now.length) refuse('podCIDRs');
  else for (const [i, block] of was.entries()) if (now[i] !== block) refuse('podCIDRs');
  if (text(before['providerID']) !== '' && spec['providerID'] !== before['providerID']) refuse('providerID');
}

export const nodeValidators: Validators = {
  'api.core.v1.Node': {
    whole: (node, _path, report) => {
      checkNew(node, report);
      if (report.old) checkAgain(node, report.old, report);
    },
  },
};

export function validateNodeStatus(next: Raw, old: Raw): StatusCause[] {
  return equalValues(next['status'], old['status']) ? [] : collect(next, (report) => checkAgain(next, old, report));
}
