/** Volumes of pods: exactly one source each, and what each source needs. */
import { isQuantity, parseQuantity } from '../../api/quantity.ts';
import { duplicateField, forbiddenField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';
import { claimSpec } from './claim.ts';
import { validateAnnotations, validateLabels } from './metadata.ts';
import { dnsLabel, dnsSubdomain } from './names.ts';
import { descending, noBacksteps } from './paths.ts';
import type { PodReport } from './pod-report.ts';
import { fields, items, needed, neededOneOf, object, strictOneOf } from './rules.ts';
import { below, checkName, type Report, type Validator } from './validator.ts';
import { downwardFile, fileMode, keyToPath } from './volume-files.ts';
import { podPlugins } from './volume-plugins.ts';
import { projected } from './volume-projected.ts';

const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];

/** In a pod and in a PersistentVolume. */
export const hostPath: Validator = ({ path: directory, type }, path, report) => {
  const at = below(path, 'path');
  if (text(directory) === '') {
    report(requiredField(at));
    return;
  }
  noBacksteps(directory, at, report);
  if (type !== undefined) strictOneOf(hostPathTypes)(type, below(path, 'type'), report);
};

const emptyDir: Validator = ({ sizeLimit }, path, report) => {
  const limit = text(sizeLimit);
  if (isQuantity(limit) && parseQuantity(limit).nanos < 0n)
    report(forbiddenField(below(path, 'sizeLimit'), 'SizeLimit field must be a valid resource quantity'));
};

const templateFields = new Set(['labels', 'annotations', 'creationTimestamp']);
/** Metadata of what is made of a template: labels and annotations, and nothing else. */
function templateMetadata(value: unknown, path: string, report: Report): void {
  const metadata = objectAt(value);
  validateAnnotations(metadata['annotations'], below(path, 'annotations'), report);
  validateLabels(metadata['labels'], below(path, 'labels'), report);
  for (const field of Object.keys(metadata))
    if (!templateFields.has(field)) report(forbiddenField(below(path, field === 'uid' ? 'uID' : field), 'cannot be set'));
}

const ephemeral: Validator = ({ volumeClaimTemplate: template }, path, report) => {
  const at = below(path, 'volumeClaimTemplate');
  if (!isObject(template)) {
    report(requiredField(at));
    return;
  }
  templateMetadata(template['metadata'], below(at, 'metadata'), report);
  claimSpec(objectAt(template['spec']), below(at, 'spec'), report);
};

const image: Validator<PodReport> = ({ reference, pullPolicy }, path, report) => {
  if (report.pod.metadata) needed()(reference, below(path, 'reference'), report);
  neededOneOf(['Always', 'IfNotPresent', 'Never'])(pullPolicy, below(path, 'pullPolicy'), report);
};

const { csi, ...plugins } = podPlugins;
const downwardApi: Validator = (source, path, report) => {
  fileMode(source['defaultMode'], below(path, 'defaultMode'), report);
  // What is wrong with a file is said of the volume.
  for (const file of objects(source['items'])) downwardFile(file, path, report);
};

const byName: Readonly<Record<string, Validator<PodReport>>> = {
  ...plugins,
  emptyDir,
  hostPath,
  gitRepo: fields({ repository: needed(), directory: descending }),
  secret: fields({ secretName: needed(), defaultMode: fileMode, items: items(keyToPath) }),
  persistentVolumeClaim: fields({ claimName: needed() }),
  downwardAPI: downwardApi,
  configMap: fields({ name: needed(), defaultMode: fileMode, items: items(keyToPath) }),
  projected,
  ...(csi ? { csi } : {}),
  ephemeral,
  image,
};
/** The order in which they are looked for: the first that is there counts. */
const order =
  'emptyDir hostPath gitRepo gcePersistentDisk awsElasticBlockStore secret nfs iscsi glusterfs flocker persistentVolumeClaim rbd cinder cephfs quobyte downwardAPI fc flexVolume configMap azureFile vsphereVolume photonPersistentDisk portworxVolume azureDisk storageos projected scaleIO csi ephemeral image'.split(
    ' ',
  );
/** What Kubernetes calls some of them in messages. */
const calledInside: Readonly<Record<string, string>> = { gcePersistentDisk: 'persistentDisk' };
const calledWhenRefused: Readonly<Record<string, string>> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' };

/** Of `<volume>:<portal>`, where iSCSI is told who asks. */
const maxPortal = 64;

const source: Validator<PodReport> = (volume, path, report) => {
  const given = order.filter((name) => isObject(volume[name]));
  for (const [i, name] of given.entries()) {
    if (i > 0) report(forbiddenField(below(path, calledWhenRefused[name] ?? name), 'may not specify more than 1 volume type'));
    else object(byName[name] as Validator<PodReport>)(volume[name], below(path, calledInside[name] ?? name), report);
    if (name === 'iscsi') checkPortal(volume, path, report);
    if (name === 'ephemeral' && i === 0) checkClaimName(volume, path, report);
  }
  if (given.length === 0) report(requiredField(path, 'must specify a volume type'));
};

function checkPortal(volume: Raw, path: string, report: Report): void {
  const { targetPortal, initiatorName } = objectAt(volume['iscsi']);
  const name = text(volume['name']);
  if (initiatorName === undefined || `${name}:${text(targetPortal)}`.length <= maxPortal) return;
  const detail = `Total length of <volume name>:<iscsi.targetPortal> must be under ${maxPortal} characters if iscsi.initiatorName is specified.`;
  report(invalidField(below(path, 'name'), name, detail));
}

const claimNameOf = (pod: Raw, volume: Raw): string => `${text(pod['name'])}-${text(volume['name'])}`;
const isNamed = (metadata: Raw | undefined): metadata is Raw => metadata !== undefined && text(metadata['name']) !== '';

/** The claim that is made for an ephemeral volume is called after the pod and the volume. */
function checkClaimName(volume: Raw, path: string, report: PodReport): void {
  const { metadata } = report.pod;
  if (!isNamed(metadata) || text(volume['name']) === '') return;
  const name = claimNameOf(metadata, volume);
  for (const reason of dnsSubdomain(name))
    report(invalidField(below(path, 'name'), volume['name'], `PVC name ${JSON.stringify(name)}: ${reason}`));
}

/** Takes down in `report.pod.volumes` those that nothing is wrong with. */
export function validateVolumes(value: unknown, path: string, report: PodReport): void {
  const volumes = objects(value);
  const { metadata, volumes: good } = report.pod;
  const made = new Set(
    isNamed(metadata) ? volumes.filter((volume) => isObject(volume['ephemeral'])).map((volume) => claimNameOf(metadata, volume)) : [],
  );
  for (const [i, volume] of volumes.entries()) {
    const at = `${path}[${i}]`;
    let faults = 0;
    const counting: PodReport = Object.assign(
      (cause: Parameters<Report>[0]) => {
        faults++;
        report(cause);
      },
      { root: report.root, old: report.old, pod: report.pod },
    );
    source(volume, at, counting);
    const name = text(volume['name']);
    if (name === '') counting(requiredField(below(at, 'name')));
    else checkName(counting, below(at, 'name'), name, dnsLabel);
    if (good.has(name)) counting(duplicateField(below(at, 'name'), name));
    if (faults === 0) good.set(name, volume);
    const claim = objectAt(volume['persistentVolumeClaim'])['claimName'];
    if (typeof claim === 'string' && made.has(claim))
      report(
        invalidField(
          below(at, 'persistentVolumeClaim.claimName'),
          claim,
          'must not reference a PVC that gets created for an ephemeral volume',
        ),
      );
  }
}
