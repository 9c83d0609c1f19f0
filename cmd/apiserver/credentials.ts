import { mkdir, readdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { UserInfo } from '../../pkg/api/http.ts';
import { writeContext } from '../../pkg/client/kubeconfig/kubeconfig-files.node.ts';
import { components, nodeUser } from '../../pkg/cluster/components.ts';
import type { Pki } from '../../pkg/cluster/node/pki.ts';

/** A node that is to join, and the address at which its kubelet will listen. */
export interface NamedNode {
  readonly name: string;
  readonly address: string;
}

/** `node-1,node-2=192.168.5.3`; without an address: this machine. */
export function parseNodes(text: string): readonly NamedNode[] {
  return text.split(',').map((entry) => {
    const [name = '', address = '127.0.0.1'] = entry.split('=');
    if (!/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(name)) throw new InvalidArgumentError(`"${name}" cannot be a node's name.`);
    if (!/^(\d{1,3}\.){3}\d{1,3}$/.test(address)) throw new InvalidArgumentError(`"${address}" is no IPv4 address.`);
    return { name, address };
  });
}

/** Kubeconfigs of an earlier run lead nowhere until the server answers; those who wait for them see new ones only. */
export async function removeKubeconfigs(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const file of await readdir(directory)) if (file.endsWith('.kubeconfig')) await rm(join(directory, file));
}

/**
 * Writes `admin`, `controller`, `scheduler`, `proxy` and `kubelet-<node>.kubeconfig` into the directory (the
 * administrator's last), and every kubelet's server certificate into `pki/kubelet-server-<node>.crt` and `.key`.
 */
export async function writeCredentials(options: {
  readonly directory: string;
  readonly server: string;
  readonly pki: Pki;
  readonly nodes: readonly NamedNode[];
}): Promise<void> {
  const { directory, server, pki, nodes } = options;
  const write = async (file: string, user: UserInfo): Promise<void> => {
    const { certificate, key } = await pki.clientCertificate(file, user);
    const credentials = { server, certificateAuthority: pki.authority, clientCertificate: certificate, clientKey: key };
    await writeContext({ explicit: join(directory, `${file}.kubeconfig`), home: homedir() }, 'gokube', credentials);
  };
  for (const { name, address } of nodes) {
    await pki.serverCertificate(`kubelet-server-${name}`, { dnsNames: [name], ipAddresses: [...new Set([address, '127.0.0.1'])] });
    await write(`kubelet-${name}`, nodeUser(name));
  }
  await write('controller', components.controller);
  await write('scheduler', components.scheduler);
  await write('proxy', components.proxy);
  await write('admin', components.admin);
}
