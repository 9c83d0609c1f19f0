import { existsSync, readFileSync } from 'node:fs';
import type { Clock } from '../../pkg/clock/clock.ts';
import type { Logger } from '../../pkg/log/log.ts';
import { hasCommand, runCommand } from '../../pkg/network/linux/command.ts';
import { createNftablesBackend } from '../../pkg/proxy/nftables-backend.ts';
import { createUserspaceBackend } from '../../pkg/proxy/node/userspace-backend.ts';
import type { ProxyBackend } from '../../pkg/proxy/proxy.ts';
import { UserError } from '../gokube/program.ts';
import { netnsFile } from '../kubelet/netns-file.ts';

export type BackendChoice = 'auto' | 'nftables' | 'userspace';

/** The kubelet makes the namespace when it starts; this is how often a proxy that came first looks for it. */
const lookAgain = 500;

/** Rules in the node's network namespace. Waits for the kubelet to make it; undefined when the signal came first. */
export async function createBackend(options: {
  readonly node: string;
  readonly backend: BackendChoice;
  readonly netns?: string;
  readonly directory: string | undefined;
  readonly clusterCIDR: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): Promise<ProxyBackend | undefined> {
  const { clock, log, signal } = options;
  const netns = options.netns ?? (await notedNetns(options));
  if (netns === undefined) return undefined;
  if (!existsSync(netns))
    throw new UserError(`there is no network namespace ${netns}`, { hint: `is the kubelet of ${options.node} running on this machine?` });
  const kind = options.backend === 'auto' ? (hasCommand('nft') ? 'nftables' : 'userspace') : options.backend;
  log.info('carrying services', { backend: kind, netns });
  if (signal.aborted) return undefined;
  if (kind === 'userspace') return createUserspaceBackend({ netns });
  return createNftablesBackend(
    { run: (argv, more) => runCommand(['nsenter', `--net=${netns}`, ...argv], more) },
    { table: 'gokube_services', clusterCIDR: options.clusterCIDR, localhostNodePorts: false },
  );

  async function notedNetns({ node, directory }: typeof options): Promise<string | undefined> {
    if (directory === undefined)
      throw new UserError('the network namespace of the node is not known', { hint: 'name it with --netns, or its kubelet’s --data-dir' });
    const note = netnsFile(directory, node);
    if (!existsSync(note)) log.info('waiting for the kubelet to make the network of the node', { node, note });
    while (!existsSync(note) && !signal.aborted) await clock.sleep(lookAgain, signal).catch(() => {}); // aborted: the loop sees it
    return signal.aborted ? undefined : readFileSync(note, 'utf8').trim();
  }
}
