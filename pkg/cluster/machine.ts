import type { ImageService, RuntimeService } from '../cri/cri.ts';
import type { KubeletHost } from '../kubelet/kubelet-host.ts';
import type { NodeNetwork } from '../network/network.ts';
import type { ProxyBackend } from '../proxy/proxy.ts';

/** What nodes run on: this Linux machine, or a simulation. The cluster above cannot tell which. */
export interface Machine {
  /** The kind of container runtime: `embedded`, `fake`. */
  readonly runtimeName: string;
  /** Where pods reach what runs beside the nodes: the API server, DNS. */
  readonly hostAddress: string;
  /** Prepares a node. One that was there before keeps its address if the machine can arrange it. */
  addNode(name: string): Promise<NodeMachine>;
  /** Carries service traffic that begins on the machine itself; undefined where there is none. */
  hostProxyBackend(): ProxyBackend | undefined;
  /** Ends everything, leaving nothing behind but images and data. */
  close(): Promise<void>;
}

/** One node's hardware, so to speak. */
export interface NodeMachine {
  readonly name: string;
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  readonly network: NodeNetwork;
  readonly host: KubeletHost;
  /** Where the kubelet keeps its files: `/var/lib/kubelet`. */
  readonly directory: string;
  /** A new one for every start of the node; undefined where service traffic is not carried. */
  proxyBackend(): ProxyBackend | undefined;
  /** Ends every container at once, as if the power had failed. Files stay. */
  powerOff(): Promise<void>;
  powerOn(): Promise<void>;
  /** Takes the node off the machine, files included. Idempotent. */
  remove(): Promise<void>;
}
