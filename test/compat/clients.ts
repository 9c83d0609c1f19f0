import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const cache = resolve(import.meta.dirname, '../../.cache/clients');

/** The Kubernetes versions whose kubectl is tried here: as old as people still have it, and as new as there is. */
export const minors = ['1.27', '1.29', '1.32', '1.35'] as const;

/** Path of the real kubectl of a Kubernetes minor version, or undefined where it has not been fetched. */
export function realClient(name: 'kubectl' | 'helm', minor = '1.35'): string | undefined {
  const path = resolve(cache, minor, name);
  return existsSync(path) ? path : undefined;
}

/** Why a test that needs them is skipped, or false. */
export function needsClients(minor = '1.35'): string | false {
  return realClient('kubectl', minor) ? false : `needs the real kubectl ${minor}: make deps/clients`;
}

/** A Python that has Kubernetes' own client, or undefined. */
export function pythonWithClient(): string | undefined {
  const path = resolve(cache, 'python/bin/python3');
  return existsSync(path) ? path : undefined;
}

export function needsPythonClient(): string | false {
  return pythonWithClient() ? false : 'needs the Python client of Kubernetes: install python3 with venv, then make deps/clients';
}
