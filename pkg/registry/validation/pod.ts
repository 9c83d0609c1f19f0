/** Pods and templates of pods: their spec, and annotations that say what fields have come to say. */
import { forbiddenField, invalidField } from '../../runtime/field-errors.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';
import { checkImage } from './container.ts';
import { validateAnnotations, validateLabels } from './metadata.ts';
import { descending } from './paths.ts';
import { eachContainer } from './pod-report.ts';
import { appArmorAnnotation, seccompAnnotation } from './pod-security.ts';
import { validatePodSpec } from './pod-spec.ts';
import { below, type Report, type Validator, type Validators } from './validator.ts';

const mirror = 'kubernetes.io/config.mirror';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
const seccompOfPod = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompOf = 'container.seccomp.security.alpha.kubernetes.io/';
const appArmorOf = 'container.apparmor.security.beta.kubernetes.io/';
const maxInt32 = 2n ** 31n - 1n;

function isCost(value: string): boolean {
  if (value === '0') return true;
  if (!/^[+-]?[1-9]\d*$/.test(value) || value.startsWith('+')) return false;
  return BigInt(value) <= maxInt32 && BigInt(value) >= -maxInt32 - 1n;
}

/** Annotations that Kubernetes itself reads. */
export function podAnnotations(annotations: Raw, spec: Raw, { path, report }: { readonly path: string; readonly report: Report }): void {
  if (annotations[mirror] !== undefined && text(spec['nodeName']) === '')
    report(invalidField(`${path}[${mirror}]`, annotations[mirror], 'must set spec.nodeName if mirror pod annotation is set'));
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isCost(text(cost))) report(invalidField(`${path}[${deletionCost}]`, cost, 'must be a 32bit integer'));
  for (const [key, value] of Object.entries(annotations)) {
    if (key === seccompOfPod || key.startsWith(seccompOf)) checkSeccomp(text(value), below(path, key), report);
  }
  for (const [key, value] of Object.entries(annotations)) {
    if (!key.startsWith(appArmorOf)) continue;
    const name = key.slice(appArmorOf.length);
    const known = ['initContainers', 'containers', 'ephemeralContainers'].some((list) =>
      objects(spec[list]).some((one) => one['name'] === name),
    );
    if (!known) report(invalidField(`${path}[${key}]`, name, 'container not found'));
    const profile = text(value);
    if (!['', 'runtime/default', 'unconfined'].includes(profile) && !profile.startsWith('localhost/'))
      report(invalidField(`${path}[${key}]`, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`));
  }
}

function checkSeccomp(profile: string, path: string, report: Report): void {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(profile)) return;
  if (profile.startsWith('localhost/')) descending(profile.slice('localhost/'.length), path, report);
  else report(invalidField(path, profile, 'must be a valid seccomp profile'));
}

/** What an annotation and a field both say of a profile, they say alike. */
export function matchProfiles(annotations: Raw, spec: Raw, { path, report }: { readonly path: string; readonly report: Report }): void {
  const pod = objectAt(spec['securityContext']);
  const compare = (key: string, profile: unknown, at: string): void => {
    const value = annotations[key];
    if (value !== undefined) seccompAnnotation(text(value), profile, { path: below(at, 'securityContext.seccompProfile'), report });
  };
  compare(seccompOfPod, pod['seccompProfile'], path);
  eachContainer(spec, path, (container, at) =>
    compare(`${seccompOf}${text(container['name'])}`, objectAt(container['securityContext'])['seccompProfile'], at),
  );
  if (objectAt(spec['os'])['name'] === 'windows') return;
  eachContainer(spec, path, (container, at) => {
    const value = annotations[`${appArmorOf}${text(container['name'])}`];
    const profile = objectAt(container['securityContext'])['appArmorProfile'] ?? pod['appArmorProfile'];
    if (value !== undefined) appArmorAnnotation(text(value), profile, { path: below(at, 'securityContext.appArmorProfile'), report });
  });
}

const pod: Validator = (value, path, report) => {
  const metadata = objectAt(value['metadata']);
  const spec = objectAt(value['spec']);
  const at = below(path, 'spec');
  podAnnotations(objectAt(metadata['annotations']), spec, { path: 'metadata.annotations', report });
  validatePodSpec(spec, at, { report, metadata });
  if (text(spec['serviceAccountName']) === '') withoutTokens(spec, at, report);
  for (const list of ['containers', 'initContainers'])
    for (const [i, container] of objects(spec[list]).entries()) checkImage(container, `${below(at, list)}[${i}]`, report);
};

/** A pod that is nobody in particular can prove nothing. */
function withoutTokens(spec: Raw, path: string, report: Report): void {
  for (const [i, volume] of objects(spec['volumes']).entries()) {
    for (const [j, source] of objects(objectAt(volume['projected'])['sources']).entries()) {
      if (source['serviceAccountToken'] === undefined) continue;
      const at = `${below(path, 'volumes')}[${i}].projected.sources[${j}].serviceAccountToken`;
      report(forbiddenField(at, 'must not be specified when serviceAccountName is not set'));
    }
  }
}

export const podTemplateSpec: Validator = (template, path, report) => {
  const metadata = objectAt(template['metadata']);
  const annotations = objectAt(metadata['annotations']);
  const spec = objectAt(template['spec']);
  validateLabels(metadata['labels'], below(path, 'labels'), report);
  validateAnnotations(annotations, below(path, 'annotations'), report);
  podAnnotations(annotations, spec, { path: below(path, 'annotations'), report });
  validatePodSpec(spec, below(path, 'spec'), { report });
  matchProfiles(annotations, spec, { path: below(path, 'spec'), report });
  if (objects(spec['ephemeralContainers']).length > 0)
    report(forbiddenField(below(path, 'spec.ephemeralContainers'), 'ephemeral containers not allowed in pod template'));
};

export const podValidators: Validators = {
  'api.core.v1.Pod': { whole: pod },
  'api.core.v1.PodTemplateSpec': { whole: podTemplateSpec },
};
