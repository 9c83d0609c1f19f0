import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Everything that a runtime or network could leave on a machine, one line a thing. */
export function machineSnapshot(): ReadonlySet<string> {
  const lines: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // A zombie is gone as soon as its parent looks.
      if (!/\) Z /.test(stat)) lines.push(`process ${pid} ${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()}`);
    } catch {
      // It ended in between.
    }
  }
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n'))
    lines.push(`mount ${line.split(' ').slice(3, 5).join(' ')}`);
  const listed = (what: string, argv: readonly [string, ...string[]]): void => {
    const [file, ...args] = argv;
    for (const line of execFileSync(file, args, { encoding: 'utf8' }).trim().split('\n'))
      if (line) lines.push(`${what} ${line.replace(/\s+/g, ' ')}`);
  };
  listed('interface', ['ip', '-brief', 'link']);
  listed('address', ['ip', '-brief', 'address']);
  listed('route', ['ip', 'route', 'show', 'table', 'all']);
  if (existsSync('/usr/sbin/nft')) listed('rule', ['nft', 'list', 'ruleset']);
  for (const [what, folder] of [
    ['network namespace', '/run/netns'],
    ['shared memory', '/dev/shm'],
    ['state', '/run/gokube'],
  ] as const)
    if (existsSync(folder)) for (const name of readdirSync(folder)) lines.push(`${what} ${name}`);
  lines.push(`forwarding ${readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim()}`);
  return new Set(lines);
}

/** The control groups of one cluster. */
export function cgroupsOf(prefix: string): string[] {
  return readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' }).filter((path) => path.includes(prefix));
}
