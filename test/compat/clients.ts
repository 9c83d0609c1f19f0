import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** Path of the real kubectl of a Kubernetes minor version, or undefined where it has not been fetched. */
export function realClient(name: 'kubectl' | 'helm', minor = '1.35'): string | undefined {
  const path = resolve(import.meta.dirname, `../../.cache/clients/${minor}/${name}`);
  return existsSync(path) ? path : undefined;
}

/** Why a test that needs them is skipped, or false. */
export function needsClients(minor = '1.35'): string | false {
  return realClient('kubectl', minor) ? false : `needs the real kubectl ${minor}: make deps/clients`;
}
