import { homedir } from 'node:os';
import { join } from 'node:path';
import { type KubeconfigLocation, removeContext, writeContext } from '../../client/kubeconfig/kubeconfig-files.node.ts';
import { components } from '../components.ts';
import type { Pki } from './pki.ts';

/** In the cluster's directory: a kubeconfig with just this cluster. */
export const adminKubeconfigFile = 'admin.kubeconfig';

/** The name of a cluster's context, cluster and user entries. */
export function contextName(cluster: string): string {
  return `gokube-${cluster}`;
}

export function kubeconfigLocation(explicit?: string): KubeconfigLocation {
  return { explicit, environment: process.env['KUBECONFIG'], home: homedir() };
}

/** Adds the cluster's context, as its administrator, by kind's rules, and makes it the current one. */
export async function mergeClusterContext(options: {
  readonly name: string;
  readonly server: string;
  readonly pki: Pki;
  readonly directory: string;
  /** `--kubeconfig`: this file only. */
  readonly file?: string;
}): Promise<{ readonly name: string; readonly file: string }> {
  const name = contextName(options.name);
  const { certificate, key } = await options.pki.clientCertificate('admin', components.admin);
  const credentials = {
    server: options.server,
    certificateAuthority: options.pki.authority,
    clientCertificate: certificate,
    clientKey: key,
  };
  await writeContext({ explicit: join(options.directory, adminKubeconfigFile), home: homedir() }, name, credentials);
  return { name, file: await writeContext(kubeconfigLocation(options.file), name, credentials) };
}

/** Resolves with the files that were changed. */
export function removeClusterContext(cluster: string, file?: string): Promise<string[]> {
  return removeContext(kubeconfigLocation(file), contextName(cluster));
}
