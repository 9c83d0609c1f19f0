/**
 * The kubelet's host on a real machine: its files (`node-files.ts`), facts about it from /proc and /etc, connections
 * to pods (`dialer.ts`, `grpc-health.ts`). Everything else of the kubelet is free of Node.js.
 */
import { execFile } from 'node:child_process';
import { readFile, statfs } from 'node:fs/promises';
import { arch, availableParallelism, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import type { NodeNetwork } from '../../network/network.ts';
import type { KubeletHost, MachineFacts, MachineUsage, ResolvConf } from '../kubelet-host.ts';
import { Dialer } from './dialer.ts';
import { grpcHealth } from './grpc-health.ts';
import { createNodeFiles } from './node-files.ts';

const run = promisify(execFile);

export interface NodeHostOptions {
  /** The kubelet's directory: whose file system pods' files are counted against. */
  readonly directory: string;
  /** Connections to pods go from the machine, and from the node's own namespace when that finds no way (a cut uplink). */
  readonly network?: Pick<NodeNetwork, 'run'>;
}

export interface NodeHost extends KubeletHost {
  /** Takes away the file systems in memory below the directory: when the node is switched off, or removed. Idempotent. */
  close(): Promise<void>;
}

/** The machine that this process runs on. Facts that cannot be read are left empty; Linux has them all. */
export function createNodeHost(options: NodeHostOptions): NodeHost {
  const dialer = new Dialer(options.network);
  let facts: Promise<MachineFacts> | undefined;
  const files = createNodeFiles();
  return {
    files,
    async close() {
      for (const path of [...(await files.mountsBelow(options.directory))].reverse()) await files.unmount(path);
    },
    machine: () => (facts ??= machineFacts(options.directory)),
    resolvConf,
    hostsFile: async () => (await text('/etc/hosts')) || '127.0.0.1\tlocalhost\n',
    httpGet: (request) => dialer.httpGet(request),
    tcpConnect: (target) => dialer.tcpConnect(target),
    grpcHealth,
    usage: () => usage(options.directory),
  };
}

async function machineFacts(directory: string): Promise<MachineFacts> {
  const disk = await statfs(directory);
  const osRelease = await text('/etc/os-release');
  const [machineId, systemUuid, bootId] = await Promise.all(
    ['/etc/machine-id', '/sys/class/dmi/id/product_uuid', '/proc/sys/kernel/random/boot_id'].map(async (path) => (await text(path)).trim()),
  );
  const goArch: Record<string, string> = { x64: 'amd64', ia32: '386' };
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    operatingSystem: process.platform,
    architecture: goArch[arch()] ?? arch(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? process.platform,
    kernelVersion: release(),
    machineId: machineId ?? '',
    systemUuid: systemUuid || machineId || '',
    bootId: bootId ?? '',
  };
}

/** A resolver on the machine's own loopback is none that a pod could reach: then what that one asks. */
async function resolvConf(): Promise<ResolvConf> {
  let parsed = parseResolvConf(await text('/etc/resolv.conf'));
  const loopback = (server: string): boolean => server.startsWith('127.') || server === '::1';
  if (parsed.servers.some(loopback)) {
    const behind = parseResolvConf(await text('/run/systemd/resolve/resolv.conf'));
    const servers = behind.servers.length > 0 ? behind.servers : parsed.servers;
    parsed = { ...parsed, servers: servers.filter((server) => !loopback(server)) };
  }
  return parsed;
}

export function parseResolvConf(content: string): ResolvConf {
  const servers: string[] = [];
  let searches: string[] = [];
  const options: string[] = [];
  for (const line of content.split('\n')) {
    const [word, ...rest] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (word === 'nameserver' && rest[0]) servers.push(rest[0]);
    if (word === 'search' || word === 'domain') searches = rest.filter((name) => name !== '.');
    if (word === 'options') options.push(...rest);
  }
  return { servers, searches, options };
}

async function usage(directory: string): Promise<MachineUsage> {
  const disk = await statfs(directory);
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(await text('/proc/meminfo'))?.[1];
  // user, nice, system, idle, iowait, irq, softirq, steal: hundredths of a second each.
  const ticks = (/^cpu\s+(.*)$/m.exec(await text('/proc/stat'))?.[1] ?? '').trim().split(/\s+/).slice(0, 8).map(Number);
  const busy = ticks.reduce((sum, value, i) => (i === 3 || i === 4 ? sum : sum + value), 0);
  return {
    memoryAvailableBytes: Number(available ?? 0) * 1024,
    diskAvailableBytes: disk.bavail * disk.bsize,
    diskInodesFree: disk.ffree,
    cpuUsageNanos: busy * 10_000_000,
  };
}

/** Empty when the file cannot be read. */
async function text(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}

/** Runs a program to its end; rejects with what it wrote to its standard error. */
export async function program(file: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(file, [...args], { timeout: 10_000 })).stdout;
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim();
    throw new Error(`${file} ${args.join(' ')}: ${said || (error instanceof Error ? error.message : String(error))}`, { cause: error });
  }
}
