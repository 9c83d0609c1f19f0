/** What may be said of a pod that is there: by its kubelet, mostly. */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { duplicateField, forbiddenField, invalidField, requiredField, tooLongField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { parseIp } from '../ip-address.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { checkTransitions } from './container-transitions.ts';
import { dnsLabel, dnsSubdomain, qualifiedName } from './names.ts';
import { checkIp } from './pod-spec.ts';
import { between, each, fields, named, strictOneOf } from './rules.ts';
import { below, checkName, collect, type Report } from './validator.ts';

/** Of the conditions that Kubernetes itself sets, the name need not be looked at. */
const ownConditions = new Set(['PodScheduled', 'Ready', 'Initialized']);
const generation = (value: unknown, path: string, report: Report): void => {
  if (typeof value === 'number' && value < 0) report(invalidField(path, value, 'must be a non-negative integer'));
};

function checkConditions(status: Raw, report: Report): void {
  for (const [i, condition] of objects(status['conditions']).entries()) {
    const at = `status.conditions[${i}]`;
    generation(condition['observedGeneration'], below(at, 'observedGeneration'), report);
    const type = text(condition['type']);
    if (!ownConditions.has(type)) checkName(report, below(at, 'Type'), type, qualifiedName);
  }
}

function checkNominated(next: Raw, old: Raw, report: Report): void {
  const [now, was] = [next, old].map((pod) => text(objectAt(pod['status'])['nominatedNodeName']));
  const at = 'status.nominatedNodeName';
  if (now === was || now === '') return;
  named(dnsSubdomain)(now, at, report);
  if (text(objectAt(old['spec'])['nodeName']) !== '') report(forbiddenField(at, 'may not be set on pods that are already bound to a node'));
}

function checkClaims(status: Raw, spec: Raw, report: Report): void {
  const claims = new Set(objects(spec['resourceClaims']).map((claim) => claim['name']));
  const seen = new Set<string>();
  for (const [i, claim] of objects(status['resourceClaimStatuses']).entries()) {
    const at = `status.resourceClaimStatuses[${i}]`;
    const name = text(claim['name']);
    if (!claims.has(name)) report(invalidField(below(at, 'name'), name, 'must match the name of an entry in `spec.resourceClaims`'));
    if (seen.has(name)) report(duplicateField(below(at, 'name'), name));
    seen.add(name);
    const object = claim['resourceClaimName'];
    if (object !== undefined) checkName(report, below(at, 'resourceClaimName'), object, dnsSubdomain);
  }
}

/** Extended resources that turned out to be devices: which request of which container got which. */
function checkExtended(status: Raw, spec: Raw, report: Report): void {
  const given = status['extendedResourceClaimStatus'];
  if (!isObject(given)) return;
  const path = 'status.extendedResourceClaimStatus';
  const containers = new Map(['initContainers', 'containers'].flatMap((list) => objects(spec[list])).map((one) => [one['name'], one]));
  const mappings = objects(given['requestMappings']);
  if (mappings.length === 0) report(requiredField(below(path, 'requestMappings'), 'at least one request mapping is required'));
  const seen = new Set<string>();
  for (const [i, mapping] of mappings.entries()) {
    const at = `${below(path, 'requestMappings')}[${i}]`;
    const [container, resource, request] = ['containerName', 'resourceName', 'requestName'].map((field) => text(mapping[field]));
    const found = containers.get(container);
    const requests = objectAt(objectAt(found?.['resources'])['requests']);
    const among = (lists: string): string => `must match the ${lists}`;
    if (!found)
      report(
        invalidField(below(at, 'containerName'), container, among('name of an entry in spec.initContainers.name or spec.containers.name')),
      );
    else if (requests[resource as string] === undefined) {
      const lists = 'extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests';
      report(invalidField(below(at, 'resourceName'), resource, among(lists)));
    }
    checkName(report, below(path, 'requestName'), request, dnsLabel);
    const key = JSON.stringify([container, resource, request]);
    if (seen.has(key))
      for (const field of ['containerName', 'resourceName', 'requestName']) report(duplicateField(below(at, field), text(mapping[field])));
    seen.add(key);
  }
  const name = text(given['resourceClaimName']);
  if (name === '') report(requiredField(below(path, 'resourceClaimName')));
  else checkName(report, below(path, 'resourceClaimName'), name, dnsSubdomain);
}

/** Addresses of the pod or its node: one of each family. Those that were there stay as they are. */
function checkAddresses(list: 'podIPs' | 'hostIPs', next: Raw, old: Raw, report: Report): void {
  const path = `status.${list}`;
  const addresses = objects(objectAt(next['status'])[list]);
  const before = new Set(objects(objectAt(old['status'])[list]).map(({ ip }) => ip));
  for (const [i, { ip }] of addresses.entries()) if (!before.has(ip)) checkIp(ip, `${path}[${i}]`, report);
  if (addresses.length < 2) return;
  const parsed = addresses.map(({ ip }) => parseIp(text(ip)));
  const bad = parsed.indexOf(undefined);
  if (bad >= 0) {
    const what = `failed to check for dual stack with error:invalid IP[${bad}]: ${text(addresses[bad]?.['ip'])}`;
    report({ reason: 'InternalError', field: path, message: `Internal error: ${what}` });
  }
  const families = new Set(parsed.map((ip) => ip?.family));
  if (bad >= 0 || families.size < 2 || addresses.length > 2) {
    const shown = addresses.map(({ ip }) => ({ IP: ip ?? '' }));
    report(invalidField(path, shown, 'may specify no more than one IP for each IP family'));
  }
}

function checkHost(status: Raw, report: Report): void {
  const [first] = objects(status['hostIPs']);
  if (first && text(status['hostIP']) !== text(first['ip']))
    report(invalidField('status.hostIPs[0].ip', text(first['ip']), 'must be equal to `hostIP`'));
}

const containerLists = [
  ['containerStatuses', 'containers'],
  ['initContainerStatuses', 'initContainers'],
  ['ephemeralContainerStatuses', undefined],
] as const;
const id = between(0, 2 ** 31 - 1);
const linuxUser = fields({ uid: id, gid: id, supplementalGroups: each(id) });

function checkUsers(status: Raw, system: unknown, report: Report): void {
  for (const [list] of containerLists) {
    for (const [i, container] of objects(status[list]).entries()) {
      const user = objectAt(container['user'])['linux'];
      const at = `status.${list}[${i}].user.linux`;
      if (!isObject(user)) continue;
      if (system === 'windows') report(forbiddenField(at, 'cannot be set for a windows pod'));
      else linuxUser(user, at, report);
    }
  }
}

/** How devices of a container are, for the longest. */
const maxHealthMessage = 4 * 1024;

function checkDevices(status: Raw, spec: Raw, report: Report): void {
  for (const [list, ofSpec] of containerLists) {
    for (const [i, container] of objects(status[list]).entries()) {
      const path = `status.${list}[${i}].allocatedResourcesStatus`;
      const resources = objects(container['allocatedResourcesStatus']);
      if (ofSpec === undefined) {
        if (resources.length > 0) report(forbiddenField(path, 'must not be specified in container status'));
        continue;
      }
      const own = objects(spec[ofSpec]).find((one) => one['name'] === container['name']);
      for (const [j, resource] of resources.entries()) {
        if (own) checkAsked(resource, own, { path: `${path}[${j}].name`, report });
        checkHealth(objects(resource['resources']), `${path}[${j}].resources`, report);
      }
    }
  }
}

function checkAsked(resource: Raw, container: Raw, { path, report }: { readonly path: string; readonly report: Report }): void {
  const name = text(resource['name']);
  const { claims, requests } = objectAt(container['resources']);
  if (!name.startsWith('claim:')) {
    if (objectAt(requests)[name] === undefined) report(invalidField(path, name, "must match one of the container's resource requests"));
    return;
  }
  const claimed = objects(claims).map((claim) => {
    const request = text(claim['request']);
    return `claim:${text(claim['name'])}${request === '' ? '' : `/${request}`}`;
  });
  const form = "in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty";
  if (!claimed.includes(name)) report(invalidField(path, name, `must match one of the container's resource claims ${form}`));
}

function checkHealth(devices: readonly Raw[], path: string, report: Report): void {
  const seen = new Set<unknown>();
  for (const [k, device] of devices.entries()) {
    const at = `${path}[${k}]`;
    strictOneOf(['Healthy', 'Unhealthy', 'Unknown'])(device['health'], below(at, 'health'), report);
    const message = device['message'];
    if (message === '') report(requiredField(below(at, 'message'), 'must be non-empty if specified'));
    else if (text(message).length > maxHealthMessage) report(tooLongField(below(at, 'message'), maxHealthMessage));
    const name = device['resourceID'] ?? '';
    if (seen.has(name)) report(duplicateField(below(at, 'resourceID'), name));
    seen.add(name);
  }
}

export function validatePodStatus(next: Raw, old: Raw): StatusCause[] {
  return collect(next, (report) => {
    const [status, before] = [objectAt(next['status']), objectAt(old['status'])];
    const spec = objectAt(old['spec']);
    checkConditions(status, report);
    checkNominated(next, old, report);
    generation(status['observedGeneration'], 'status.observedGeneration', report);
    const [now, was] = [status['qosClass'] ?? '', before['qosClass'] ?? ''];
    if (!equalValues(now, was)) report(invalidField('status.qosClass', now, 'field is immutable'));
    checkTransitions(status, before, { spec, report });
    checkClaims(status, spec, report);
    checkExtended(status, spec, report);
    checkAddresses('podIPs', next, old, report);
    checkHost(status, report);
    checkAddresses('hostIPs', next, old, report);
    checkUsers(status, objectAt(spec['os'])['name'], report);
    checkDevices(status, spec, report);
  });
}
