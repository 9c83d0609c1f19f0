import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Mount, type PodSandboxConfig, type PodSandboxStatus, RuntimeError } from '../cri.ts';
import { fstabLine } from './fstab.ts';
import type { NamespacePaths } from './helper/protocol.ts';
import type { PodNetwork, RuntimeHost } from './runtime-host.ts';
import { quote } from './start-script.ts';
import { type Toolkit, type ToolkitProgram, toolkitCommand, toolkitMount } from './toolkit.ts';

/** What containerd gives every pod: unprivileged ping, and low ports without a capability. */
const defaultSysctls = { 'net.ipv4.ping_group_range': '0 2147483647', 'net.ipv4.ip_unprivileged_port_start': '0' };
/** The sysctls that belong to a namespace of the pod's own; others would change the machine. */
const ipcSysctls = /^kernel\.(shm|msg|sem)|^fs\.mqueue\./;

/**
 * A pod's sandbox: its namespaces (held by the helper), its address, and the files that its containers share
 * (resolv.conf, hostname, hosts, shared memory).
 */
export class Sandbox {
  readonly id: string;
  readonly config: PodSandboxConfig;
  /** Relative to the host's directory. */
  readonly folder: string;
  readonly cgroup: string;
  readonly createdAt: number;
  /** Mounts that every container of the pod gets. */
  readonly mounts: readonly Mount[];
  readonly shm: string;
  readonly #host: RuntimeHost;
  readonly #network: PodNetwork | undefined;
  #namespaces: (NamespacePaths & { readonly pid?: string }) | undefined;
  #ips: readonly string[] = [];
  #ready = true;
  #stopping: Promise<void> | undefined;

  /** Nothing is made before `setUp`. Throws RuntimeError `InvalidArgument` for what no sandbox can have. */
  constructor(host: RuntimeHost, node: string, network: PodNetwork | undefined, config: PodSandboxConfig) {
    checkSysctls(config);
    this.#host = host;
    this.#network = network;
    this.config = config;
    this.id = randomBytes(16).toString('hex');
    this.folder = `nodes/${node}/sandboxes/${this.id}`;
    this.cgroup = `${host.prefix}/${node}/${this.id}`;
    this.createdAt = host.clock.now();
    const ownIpc = config.namespaces?.ipc !== 'node';
    this.shm = ownIpc ? `/dev/shm/${host.prefix}.${this.id}` : '/dev/shm';
    this.mounts = ['resolv.conf', 'hostname', 'hosts'].map((name) => ({
      containerPath: `/etc/${name}`,
      hostPath: join(host.directory, this.folder, name),
      readonly: false,
    }));
  }

  /** Namespaces, address and files; undone when it throws. */
  async setUp(): Promise<void> {
    try {
      await this.#make();
    } catch (error) {
      await this.stop();
      await this.remove();
      throw error;
    }
  }

  async #make(): Promise<void> {
    const { config, id } = this;
    mkdirSync(join(this.#host.directory, this.folder), { recursive: true });
    if (this.shm !== '/dev/shm') {
      mkdirSync(this.shm);
      chmodSync(this.shm, 0o1777);
    }
    this.#host.cgroups.create(this.cgroup, config.resources);
    const ownNet = config.namespaces?.network !== 'node';
    const namespaces = await this.#host.helper.call('createNamespaces', {
      sandbox: id,
      net: ownNet,
      loopback: ownNet && !this.#network,
      ipc: config.namespaces?.ipc !== 'node',
      hostname: config.hostname,
      sysctls: { ...(ownNet ? defaultSysctls : {}), ...config.sysctls },
    });
    const nodeNet = ownNet ? undefined : this.#network?.netns;
    this.#namespaces = nodeNet === undefined ? namespaces : { ...namespaces, net: nodeNet };
    const [ips, pid] = await Promise.all([
      ownNet && namespaces.net !== undefined && this.#network
        ? this.#network.attachPod(id, { netns: namespaces.net, ...(config.portMappings ? { portMappings: config.portMappings } : {}) })
        : [],
      config.namespaces?.pid === 'pod' ? this.#startPause(this.#namespaces) : undefined,
    ]).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      throw new RuntimeError('NetworkFailed', `pod ${config.metadata.namespace}/${config.metadata.name}: ${message}`, { cause: error });
    });
    this.#ips = ips;
    if (pid !== undefined) this.#namespaces = { ...this.#namespaces, pid };
    this.#writeFiles();
  }

  status(): PodSandboxStatus {
    const { metadata, labels = {}, annotations = {} } = this.config;
    return {
      id: this.id,
      metadata,
      state: this.#ready ? 'ready' : 'notready',
      createdAt: this.createdAt,
      ips: this.#ips,
      labels,
      annotations,
    };
  }

  get netns(): string | undefined {
    return this.#namespaces?.net;
  }

  /** The beginning of a command line that enters the namespaces which containers of this pod share. */
  enter(pid: 'container' | 'pod' | 'node'): string[] {
    const namespaces = this.#namespaces;
    if (!namespaces) throw new RuntimeError('InvalidArgument', `sandbox ${this.id} is not ready`);
    const shared = [`--uts=${namespaces.uts}`];
    if (namespaces.net !== undefined) shared.push(`--net=${namespaces.net}`);
    if (namespaces.ipc !== undefined) shared.push(`--ipc=${namespaces.ipc}`);
    if (pid === 'pod') {
      if (namespaces.pid === undefined)
        throw new RuntimeError('InvalidArgument', `the containers of sandbox ${this.id} do not share their processes`);
      shared.push(`--pid=${namespaces.pid}`);
    }
    return ['setpriv', '--pdeathsig', 'KILL', 'nsenter', ...shared];
  }

  /** The helper or the pod's first process is gone. */
  lost(): void {
    this.#ready = false;
  }

  /** The containers must have ended. Idempotent. */
  stop(): Promise<void> {
    // One that failed may be tried again.
    this.#stopping ??= this.#tearDown().catch((error: unknown) => {
      this.#stopping = undefined;
      throw error;
    });
    return this.#stopping;
  }

  async #tearDown(): Promise<void> {
    this.#ready = false;
    try {
      if (this.config.namespaces?.network !== 'node') await this.#network?.detachPod(this.id);
    } finally {
      this.#namespaces = undefined;
      if (this.#host.helper.alive) await this.#host.helper.call('releaseNamespaces', { sandbox: this.id });
    }
  }

  async remove(): Promise<void> {
    await this.#host.cgroups.remove(this.cgroup);
    if (this.shm !== '/dev/shm') await rm(this.shm, { recursive: true, force: true });
    await rm(join(this.#host.directory, this.folder), { recursive: true, force: true });
  }

  /** PID 1 of a pod whose containers share their processes: takes in orphans, in a root of its own with nothing in it. */
  async #startPause(namespaces: NamespacePaths): Promise<string> {
    const { directory, toolkit } = this.#host;
    const root = join(this.folder, 'pause');
    mkdirSync(join(directory, root));
    const list = join(this.folder, 'pause.fstab');
    writeFileSync(
      join(directory, list),
      fstabLine('tmpfs', root, 'tmpfs', 'mode=755,size=64k') +
        fstabLine(toolkit.folder, `${root}${toolkitMount}`, 'none', 'bind,ro,nosuid,nodev,X-mount.mkdir') +
        fstabLine('proc', `${root}/proc`, 'proc', 'nosuid,nodev,noexec,X-mount.mkdir'),
    );
    const script = join(directory, this.folder, 'pause.sh');
    writeFileSync(script, pauseScript(directory, list, root, toolkit));
    this.#namespaces = namespaces;
    const argv = [...this.enter('container'), ...newPidNamespace('private'), script, ''];
    return (await this.#host.helper.call('startPause', { sandbox: this.id, argv })).pidNamespace;
  }

  #writeFiles(): void {
    const write = (name: string, text: string): void => writeFileSync(join(this.#host.directory, this.folder, name), text, { mode: 0o644 });
    const { dns, hostname } = this.config;
    write('hostname', `${hostname}\n`);
    const own = this.#ips[0] === undefined ? '' : `${this.#ips[0]}\t${hostname}\n`;
    write('hosts', `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n${own}`);
    write('resolv.conf', dns ? resolvConf(dns) : machineResolvConf());
  }
}

/**
 * The command line that makes a process the first of a new pid namespace, and stays outside as its parent; the start
 * script and `--ctty` or an empty word follow. Its exit code is the script's, 128 + n after signal n (util-linux 2.38's
 * own `unshare --fork` tells a killed child as exit code 1). The script gets a session of its own, so that a signal
 * to its process group does not reach the parent; and it dies with the parent.
 */
export function newPidNamespace(propagation: 'private' | 'slave'): string[] {
  const monitor = 'exec 5>&2 2>/dev/null; setsid $2 setpriv --pdeathsig KILL sh "$1" 2>&5 5>&-; exit $?';
  return ['unshare', '--mount', '--propagation', propagation, '--pid', 'sh', '-c', monitor, 'sh'];
}

function pauseScript(directory: string, list: string, root: string, toolkit: Toolkit): string {
  const tool = (program: ToolkitProgram): string => toolkitCommand(toolkit, program);
  return `set -e
exec 6>&2 2>&1
read -r pid rest </proc/self/stat
echo "pid $pid"
cd ${quote(directory)}
mount -n -i -a -T ${quote(list)}
# A shell gives its background processes this as their input.
: >${quote(`${root}/dev/null`)}
cd ${quote(root)}
pivot_root . ${toolkitMount.slice(1)}/old
cd /
${tool('umount')} -n -i -c -l ${toolkitMount}/old
echo ok
exec 2>&6 6>&-
exec ${tool('setpriv')} --pdeathsig KILL --reuid 65535 --regid 65535 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs -- \\
  ${tool('sh')} -c 'exec 4<&0; (read -r end <&4) & wait'
`;
}

function checkSysctls(config: PodSandboxConfig): void {
  for (const name of Object.keys(config.sysctls ?? {})) {
    const allowed = name.startsWith('net.')
      ? config.namespaces?.network !== 'node'
      : ipcSysctls.test(name) && config.namespaces?.ipc !== 'node';
    if (!allowed || !/^[a-z0-9_.-]+$/i.test(name) || name.includes('..'))
      throw new RuntimeError('InvalidArgument', `sysctl "${name}" does not belong to a namespace of the pod`);
  }
}

function resolvConf({ servers, searches, options }: NonNullable<PodSandboxConfig['dns']>): string {
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** The machine's DNS configuration; behind systemd-resolved the one with the real servers. */
function machineResolvConf(): string {
  for (const path of ['/run/systemd/resolve/resolv.conf', '/etc/resolv.conf']) if (existsSync(path)) return readFileSync(path, 'utf8');
  return '';
}
