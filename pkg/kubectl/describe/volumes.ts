import type { Volume } from '../../api/generated/core-v1.ts';
import type { Lines } from './lines.ts';

export function describeVolumes(volumes: readonly Volume[] | undefined, lines: Lines, { nested = false } = {}): void {
  if (!volumes?.length) {
    lines.field('Volumes', '<none>', nested ? 1 : 0);
    return;
  }
  lines.write(nested ? 1 : 0, 'Volumes:');
  for (const volume of volumes) {
    lines.write(1, `${nested ? ' ' : ''}${volume.name}:`);
    for (const [name, value] of fieldsOf(volume)) lines.field(name, value, 2);
  }
}

function fieldsOf(volume: Volume): [string, unknown][] {
  const { emptyDir, hostPath, configMap, secret, projected, persistentVolumeClaim: claim, downwardAPI, image } = volume;
  if (emptyDir) {
    return [
      ['Type', "EmptyDir (a temporary directory that shares a pod's lifetime)"],
      ['Medium', emptyDir.medium ?? ''],
      ['SizeLimit', emptyDir.sizeLimit ?? '<unset>'],
    ];
  }
  if (hostPath) {
    return [
      ['Type', 'HostPath (bare host directory volume)'],
      ['Path', hostPath.path],
      ['HostPathType', hostPath.type ?? ''],
    ];
  }
  if (configMap) {
    return [
      ['Type', 'ConfigMap (a volume populated by a ConfigMap)'],
      ['Name', configMap.name ?? ''],
      ['Optional', configMap.optional ?? false],
    ];
  }
  if (secret) {
    return [
      ['Type', 'Secret (a volume populated by a Secret)'],
      ['SecretName', secret.secretName ?? ''],
      ['Optional', secret.optional ?? false],
    ];
  }
  if (claim) {
    return [
      ['Type', 'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)'],
      ['ClaimName', claim.claimName],
      ['ReadOnly', claim.readOnly ?? false],
    ];
  }
  if (projected) {
    const sources = projected.sources ?? [];
    return [
      ['Type', 'Projected (a volume that contains injected data from multiple sources)'],
      ...sources.flatMap((source): [string, unknown][] => {
        if (source.secret) {
          return [
            ['SecretName', source.secret.name ?? ''],
            ['Optional', source.secret.optional ?? false],
          ];
        }
        if (source.configMap) {
          return [
            ['ConfigMapName', source.configMap.name ?? ''],
            ['Optional', source.configMap.optional ?? false],
          ];
        }
        if (source.serviceAccountToken) return [['TokenExpirationSeconds', source.serviceAccountToken.expirationSeconds ?? 3600]];
        return source.downwardAPI ? [['DownwardAPI', true]] : [];
      }),
    ];
  }
  if (downwardAPI) {
    const items = (downwardAPI.items ?? []).map(
      ({ path, fieldRef, resourceFieldRef }) => `${fieldRef?.fieldPath ?? resourceFieldRef?.resource ?? ''} -> ${path}`,
    );
    return [
      ['Type', 'DownwardAPI (a volume populated by information about the pod)'],
      ...items.map((item): [string, unknown] => ['Item', item]),
    ];
  }
  if (image) {
    return [
      ['Type', 'Image (a container image or OCI artifact)'],
      ['Reference', image.reference ?? ''],
    ];
  }
  const type = Object.keys(volume).find((key) => key !== 'name');
  return [['Type', type ?? '<unknown>']];
}
