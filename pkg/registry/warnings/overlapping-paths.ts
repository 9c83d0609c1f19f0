/** Files of a volume that would take each other's place. */
import { isObject, objectAt, objects, type Raw, text } from '../raw.ts';

const pathsOf = (items: unknown): string[] => objects(items).map((item) => text(item['path']));

/** Of volumes that are made of single keys. */
export function overlapWarnings(volumes: readonly Raw[]): string[] {
  return volumes.flatMap((volume) => {
    const name = JSON.stringify(text(volume['name']));
    const single = sources(volume).flatMap(([what, paths]) => overlaps(paths, `volume ${name} (${what}): overlapping paths`));
    return isObject(volume['projected']) ? [...single, ...projected(volume['projected'], name)] : single;
  });
}

/** What a volume or a part of a projected one takes its files from, and under which paths they stand. */
function sources(from: Raw): (readonly [what: string, paths: string[]])[] {
  const out: (readonly [string, string[]])[] = [];
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle } = from;
  const quoted = (name: unknown): string => JSON.stringify(text(name));
  if (isObject(configMap)) out.push([`ConfigMap ${quoted(configMap['name'])}`, pathsOf(configMap['items'])]);
  if (isObject(secret)) out.push([`Secret ${quoted(secret['secretName'] ?? secret['name'])}`, pathsOf(secret['items'])]);
  if (isObject(downwardAPI)) out.push(['DownwardAPI', pathsOf(downwardAPI['items'])]);
  if (isObject(serviceAccountToken)) out.push(['ServiceAccountToken', [text(serviceAccountToken['path'])]]);
  if (isObject(clusterTrustBundle)) {
    out.push([
      `ClusterTrustBundle ${quoted(clusterTrustBundle['name'] ?? clusterTrustBundle['signerName'])}`,
      [text(clusterTrustBundle['path'])],
    ]);
  }
  return out;
}

function projected(volume: Raw, name: string): string[] {
  const all: string[] = [];
  return objects(volume['sources']).flatMap((source) => {
    if (Object.keys(objectAt(source)).length === 0) return [`volume ${name} (Projected) has no sources provided`];
    return sources(source).flatMap(([what, paths]) => {
      const message = `volume ${name} (Projected ${what}): overlapping paths`;
      const found = [...overlaps(paths, message), ...overlaps([...new Set(paths), ...all].sort(), message)];
      all.push(...paths);
      return [...new Set(found)];
    });
  });
}

function overlaps(paths: readonly string[], message: string): string[] {
  const seen: string[] = [];
  return paths.flatMap((given) => {
    const path = given.replace(/\/+$/, '');
    const other = seen.find(
      (one) => one !== '' && path !== '' && (one === path || one.startsWith(`${path}/`) || path.startsWith(`${one}/`)),
    );
    seen.push(path);
    return other === undefined ? [] : [`${message}: ${JSON.stringify(path)} with ${JSON.stringify(other)}`];
  });
}
