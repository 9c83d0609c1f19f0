/** Pods and what they are made of: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
import { isObject, objects, type Raw, text } from '../raw.ts';
import { podRequests, requestsFromLimits } from './resource-defaults.ts';
import { fill, fillNumber, fillText, type TypeDefault } from './type-default.ts';

/** 0644: files of volumes are readable by everybody in the container. */
const defaultMode = 0o644;
const withMode: TypeDefault = (source) => fill(source, 'defaultMode', defaultMode);

const container: TypeDefault = (value) => {
  if (text(value['imagePullPolicy']) === '') value['imagePullPolicy'] = pullPolicyOf(text(value['image']));
  fillText(value, 'terminationMessagePath', '/dev/termination-log');
  fillText(value, 'terminationMessagePolicy', 'File');
};

const part = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const domain =
  '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?';
/** https://github.com/distribution/reference: a registry, a path, a tag, a digest. */
const reference = new RegExp(
  `^(?:${domain}/)?(${part}(?:/${part})*)(?::(\\w[\\w.-]{0,127}))?(@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
);
const maxImageName = 255;

/** An image that is named by `latest`, or by no tag at all, may have changed: look each time. What is no name is left alone. */
function pullPolicyOf(image: string): string {
  const [, name = '', tag, digest] = reference.exec(image) ?? [];
  if (name === '' || name.length > maxImageName) return 'IfNotPresent';
  return (tag ?? (digest === undefined ? 'latest' : '')) === 'latest' ? 'Always' : 'IfNotPresent';
}

const pod: TypeDefault = (value) => {
  const spec = value['spec'];
  if (!isObject(spec)) return;
  fill(spec, 'enableServiceLinks', true);
  // Less than no time is as little as there is.
  if (Number(spec['terminationGracePeriodSeconds'] ?? 0) < 0) spec['terminationGracePeriodSeconds'] = 1;
  const containers = ['containers', 'initContainers'].flatMap((list) => objects(spec[list]));
  for (const item of containers) requestsFromLimits(item);
  podRequests(spec);
  if (spec['hostNetwork'] !== true) return;
  // In the machine's own network a port is where it is. A template does not say so: its pods do.
  for (const port of containers.flatMap((item) => objects(item['ports']))) {
    if (typeof port['containerPort'] === 'number') fillNumber(port, 'hostPort', port['containerPort']);
  }
};

const podSpec: TypeDefault = (spec) => {
  fillText(spec, 'restartPolicy', 'Always');
  fill(spec, 'terminationGracePeriodSeconds', 30);
  fillText(spec, 'dnsPolicy', 'ClusterFirst');
  fill(spec, 'securityContext', {});
  fillText(spec, 'schedulerName', 'default-scheduler');
  // Two names of one thing: the older one follows the newer.
  const account = text(spec['serviceAccountName']) || text(spec['serviceAccount']);
  if (account !== '') {
    spec['serviceAccountName'] = account;
    spec['serviceAccount'] = account;
  }
};

const volumeSourceKeys = (volume: Raw): string[] => Object.keys(volume).filter((key) => key !== 'name');

export const podDefaults: Readonly<Record<string, TypeDefault>> = {
  'api.core.v1.Pod': pod,
  'api.core.v1.PodSpec': podSpec,
  'api.core.v1.Container': container,
  'api.core.v1.EphemeralContainer': container,
  'api.core.v1.ContainerPort': (port) => fillText(port, 'protocol', 'TCP'),
  'api.core.v1.Probe': (probe) => {
    fillNumber(probe, 'timeoutSeconds', 1);
    fillNumber(probe, 'periodSeconds', 10);
    fillNumber(probe, 'successThreshold', 1);
    fillNumber(probe, 'failureThreshold', 3);
  },
  'api.core.v1.HTTPGetAction': (action) => {
    fillText(action, 'path', '/');
    fillText(action, 'scheme', 'HTTP');
  },
  'api.core.v1.GRPCAction': (action) => fill(action, 'service', ''),
  'api.core.v1.ObjectFieldSelector': (selector) => fillText(selector, 'apiVersion', 'v1'),
  'api.core.v1.Volume': (volume) => {
    if (volumeSourceKeys(volume).length === 0) volume['emptyDir'] = {};
  },
  'api.core.v1.ConfigMapVolumeSource': withMode,
  'api.core.v1.SecretVolumeSource': withMode,
  'api.core.v1.DownwardAPIVolumeSource': withMode,
  'api.core.v1.ProjectedVolumeSource': withMode,
  'api.core.v1.ServiceAccountTokenProjection': (projection) => fill(projection, 'expirationSeconds', 3600),
  'api.core.v1.ImageVolumeSource': (source) => fillText(source, 'pullPolicy', pullPolicyOf(text(source['reference']))),
  'api.core.v1.HostPathVolumeSource': (source) => fill(source, 'type', ''),
  'api.core.v1.AzureDiskVolumeSource': (source) => {
    fill(source, 'cachingMode', 'ReadWrite');
    fill(source, 'kind', 'Shared');
    fill(source, 'fsType', 'ext4');
    fill(source, 'readOnly', false);
  },
};
