/** Where a container finds the pod's volumes: directories of them, and devices. */
import { forbiddenField, invalidField, notFoundField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';
import { descending } from './paths.ts';
import type { PodReport } from './pod-report.ts';
import { strictOneOf } from './rules.ts';
import { below, type Validator } from './validator.ts';

/** What is mounted where, by the name of the volume; of several the last. */
const placesOf = (list: unknown, field: string): Map<string, string> =>
  new Map(objects(list).map((item) => [text(item['name']), text(item[field])]));
const hasPlace = (places: Map<string, string>, place: string): boolean => [...places.values()].includes(place);

/** Of a container. */
export const mounts: Validator<PodReport> = (container, path, report) => {
  const at = below(path, 'volumeMounts');
  const devices = placesOf(container['volumeDevices'], 'devicePath');
  const taken = new Set<string>();
  for (const [i, mount] of objects(container['volumeMounts']).entries()) {
    const [name, place] = [text(mount['name']), text(mount['mountPath'])];
    const [nameAt, placeAt] = [`${at}[${i}].name`, `${at}[${i}].mountPath`];
    if (name === '') report(requiredField(nameAt));
    if (!report.pod.volumes.has(name)) report(notFoundField(nameAt, name));
    if (place === '') report(requiredField(placeAt));
    if (taken.has(place)) report(invalidField(placeAt, place, 'must be unique'));
    taken.add(place);
    if (devices.has(name)) report(invalidField(nameAt, name, 'must not already exist in volumeDevices'));
    if (hasPlace(devices, place)) report(invalidField(placeAt, place, 'must not already exist as a path in volumeDevices'));
    // The rest is said of the list: so it is in Kubernetes.
    const [sub, expression] = [text(mount['subPath']), text(mount['subPathExpr'])];
    descending(sub, below(at, 'subPath'), report);
    if (expression !== '') {
      if (sub !== '') report(invalidField(`${at}[${i}].subPathExpr`, expression, 'subPathExpr and subPath are mutually exclusive'));
      descending(expression, below(at, 'subPathExpr'), report);
    }
    propagation(container, mount, { path: below(at, 'mountPropagation'), report });
    readOnlyBelow(mount, below(at, 'recursiveReadOnly'), report);
  }
};

function propagation(container: Raw, mount: Raw, { path, report }: { readonly path: string; readonly report: PodReport }): void {
  const given = mount['mountPropagation'];
  if (given === undefined) return;
  strictOneOf(['Bidirectional', 'HostToContainer', 'None'])(given, path, report);
  if (given === 'Bidirectional' && objectAt(container['securityContext'])['privileged'] !== true)
    report(forbiddenField(path, 'Bidirectional mount propagation is available only to privileged containers'));
}

const readOnlyBelow: Validator<PodReport> = ({ recursiveReadOnly: given, readOnly, mountPropagation }, path, report) => {
  if (given === undefined || given === 'Disabled') return;
  if (given !== 'Enabled' && given !== 'IfPossible') {
    report(unsupportedField(path, given, ['Disabled', 'Enabled', 'IfPossible']));
    return;
  }
  if (readOnly !== true) report(forbiddenField(path, 'may only be specified when readOnly is true'));
  if (mountPropagation !== undefined && mountPropagation !== 'None')
    report(forbiddenField(path, 'may only be specified when mountPropagation is None or not specified'));
};

/** Volumes without a file system: what a claim brings. */
export const devices: Validator<PodReport> = (container, path, report) => {
  const mounted = placesOf(container['volumeMounts'], 'mountPath');
  const [names, places] = [new Set<string>(), new Set<string>()];
  for (const [i, device] of objects(container['volumeDevices']).entries()) {
    const at = `${below(path, 'volumeDevices')}[${i}]`;
    const [name, place] = [text(device['name']), text(device['devicePath'])];
    const say = (field: string, value: string, detail: string): void => report(invalidField(below(at, field), value, detail));
    const volume = report.pod.volumes.get(name);
    if (name === '') report(requiredField(below(at, 'name')));
    if (names.has(name)) say('name', name, 'must be unique');
    if (volume && volume['persistentVolumeClaim'] === undefined && volume['ephemeral'] === undefined)
      say('name', name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode');
    if (!volume) report(notFoundField(below(at, 'name'), name));
    if (place === '') report(requiredField(below(at, 'devicePath')));
    if (places.has(place)) say('devicePath', place, 'must be unique');
    if (place.split('/').includes('..')) say('devicePath', place, "can not contain backsteps ('..')");
    else places.add(place);
    if (mounted.has(name)) say('name', name, 'must not already exist in volumeMounts');
    if (hasPlace(mounted, place)) say('devicePath', place, 'must not already exist as a path in volumeMounts');
    if (name !== '') names.add(name);
  }
};
