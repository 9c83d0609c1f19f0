import { RuntimeError } from '../cri.ts';

/** What a container has unless its pod says otherwise: the set that containerd and Docker give. */
export const defaultCapabilities = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
] as const;

/** All that Linux knows; see capabilities(7). */
const known: ReadonlySet<string> = new Set([
  ...defaultCapabilities,
  'AUDIT_CONTROL',
  'AUDIT_READ',
  'BLOCK_SUSPEND',
  'BPF',
  'CHECKPOINT_RESTORE',
  'DAC_READ_SEARCH',
  'IPC_LOCK',
  'IPC_OWNER',
  'LEASE',
  'LINUX_IMMUTABLE',
  'MAC_ADMIN',
  'MAC_OVERRIDE',
  'NET_ADMIN',
  'NET_BROADCAST',
  'PERFMON',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_MODULE',
  'SYS_NICE',
  'SYS_PACCT',
  'SYS_PTRACE',
  'SYS_RAWIO',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'SYSLOG',
  'WAKE_ALARM',
]);

/**
 * The bounding set as setpriv takes it. `ALL` in add or drop comes first, then single names: dropping ALL and adding
 * one leaves that one, adding ALL and dropping one leaves the rest.
 */
export function boundingSet(security: {
  privileged?: boolean;
  addCapabilities?: readonly string[];
  dropCapabilities?: readonly string[];
}): string {
  const add = (security.addCapabilities ?? []).map(normalize);
  const drop = (security.dropCapabilities ?? []).map(normalize);
  if (security.privileged) return '+all';
  let base: ReadonlySet<string> | 'all' = new Set<string>(defaultCapabilities);
  if (drop.includes('ALL')) base = new Set();
  if (add.includes('ALL')) base = 'all';
  const dropped = drop.filter((name) => name !== 'ALL');
  if (base === 'all') return ['+all', ...dropped.map((name) => `-${name.toLowerCase()}`)].join(',');
  const names = new Set([...base, ...add.filter((name) => name !== 'ALL')]);
  for (const name of dropped) names.delete(name);
  return ['-all', ...[...names].sort().map((name) => `+${name.toLowerCase()}`)].join(',');
}

function normalize(name: string): string {
  const plain = name.toUpperCase().replace(/^CAP_/, '');
  if (plain !== 'ALL' && !known.has(plain)) throw new RuntimeError('InvalidArgument', `unknown capability "${name}"`);
  return plain;
}
