import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { type ContainerConfig, RuntimeError } from '../cri.ts';
import type { Bundle, BundleOptions } from './bundle-options.ts';
import { boundingSet } from './capabilities.ts';
import type { ImageRoot } from './images/image.ts';
import { mountLists } from './mount-lists.ts';
import { type StartPlan, startScript } from './start-script.ts';
import { toolkitMount } from './toolkit.ts';

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Puts everything of a container on disk before it starts: overlay folders, mount lists, start script. The helper
 * does this work, since it is some hundred small file operations.
 */
export function createBundle(options: BundleOptions): Bundle {
  const { config, image, directory, folder } = options;
  const security = config.security ?? {};
  const command = commandOf(config, image);
  const environment = environmentOf(config, image, options.hostname);
  for (const text of [...command, ...environment.flatMap(({ name, value }) => [name, value])])
    if (text.includes('\0')) throw new RuntimeError('InvalidArgument', 'command and environment cannot hold a NUL character');
  const workingDir = posix.join('/', config.workingDir || image.config.workingDir || '/');

  const at = (...names: string[]): string => join(directory, folder, ...names);
  for (const name of [
    'upper/dev',
    'upper/proc',
    'upper/sys',
    'work',
    'root',
    'dev/pts',
    'dev/shm',
    'dev/mqueue',
    `dev/${basename(toolkitMount)}`,
    'from',
  ])
    mkdirSync(at(name), { recursive: true });
  for (const [name, target] of [
    ['fd', '/proc/self/fd'],
    ['stdin', '/proc/self/fd/0'],
    ['stdout', '/proc/self/fd/1'],
    ['stderr', '/proc/self/fd/2'],
    ['ptmx', 'pts/ptmx'],
    ['core', '/proc/kcore'],
  ] as const)
    symlinkSync(target, at('dev', name));

  const lists = mountLists(options);
  writeFileSync(at('before.fstab'), lists.before);
  for (const [index, { fstab }] of lists.passes.entries()) writeFileSync(at('from', `fstab.${index}`), fstab);
  writeFileSync(at('from/fstab.last'), lists.last);
  const bounding = boundingSet(security);
  const plan: StartPlan = {
    layers: join(directory, 'layers'),
    beforeFstab: at('before.fstab'),
    root: at('root'),
    passes: lists.passes,
    cgroupProcs: options.cgroupProcs,
    oomScoreAdj: config.resources?.oomScoreAdj,
    tty: config.tty,
    stdin: config.stdin,
    hideProc: options.pid === 'node',
    readonlyRoot: security.readOnlyRootFilesystem === true,
    workingDir,
    user: security.runAsUser !== undefined ? String(security.runAsUser) : (security.runAsUsername ?? image.config.user),
    group: security.runAsGroup === undefined ? undefined : String(security.runAsGroup),
    supplementalGroups: security.supplementalGroups ?? [],
    environment,
    command,
    boundingSet: bounding,
    noNewPrivileges: security.noNewPrivileges === true,
  };
  writeFileSync(at('start.sh'), startScript(plan, options.toolkit));
  return { script: at('start.sh'), propagation: lists.propagation, environment, workingDir, boundingSet: bounding };
}

/** Kubernetes' rule: a command of the pod's also replaces the image's arguments. */
function commandOf(config: ContainerConfig, image: ImageRoot): readonly string[] {
  const entrypoint = config.command?.length ? config.command : image.config.entrypoint;
  const args = config.args?.length ? config.args : config.command?.length ? [] : image.config.command;
  const command = [...entrypoint, ...args];
  if (command.length === 0) throw new RuntimeError('StartFailed', 'no command specified: neither the image nor the pod names one');
  return command;
}

function environmentOf(config: ContainerConfig, image: ImageRoot, hostname: string): readonly { name: string; value: string }[] {
  const environment = new Map<string, string>([
    ['PATH', defaultPath],
    ['HOSTNAME', hostname],
  ]);
  if (config.tty) environment.set('TERM', 'xterm');
  for (const entry of image.config.environment) {
    const at = entry.indexOf('=');
    if (at > 0) environment.set(entry.slice(0, at), entry.slice(at + 1));
  }
  for (const { name, value } of config.env) environment.set(name, value);
  return [...environment].map(([name, value]) => ({ name, value }));
}
