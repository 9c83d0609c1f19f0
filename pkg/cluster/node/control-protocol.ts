import type { SavedSnapshot } from './cluster-snapshot.ts';

/**
 * How the `gokube` command talks to the running cluster's process: HTTP with JSON over a Unix socket in the
 * cluster's directory, for what the Kubernetes API has no words for (switching a node off, loading an image from a
 * local file). Only the socket's owner can connect.
 */
export type NodeState = 'running' | 'stopped' | 'partitioned';
export type NodeAction = 'stop' | 'start' | 'kill' | 'partition' | 'heal' | 'delete';

export interface NodeStatus {
  readonly name: string;
  readonly state: NodeState;
  /** The Ready condition, as the API server has it. */
  readonly ready: boolean;
  readonly pods: number;
  readonly address: string;
}

export interface ClusterStatus {
  readonly name: string;
  readonly state: 'starting' | 'running' | 'stopping';
  readonly pid: number;
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  readonly store: string;
  readonly runtime: string;
  readonly nodes: readonly NodeStatus[];
}

export interface ImageStatus {
  readonly id: string;
  readonly tags: readonly string[];
  readonly sizeBytes: number;
}

/** Everything a running cluster can be asked to do beyond its API. Throws Errors worded for people. */
export interface ClusterControl {
  status(): Promise<ClusterStatus>;
  addNode(name: string | undefined): Promise<NodeStatus>;
  /** False when there is no such node. */
  nodeAction(name: string, action: NodeAction): Promise<boolean>;
  /** Returns the names of the images in the tarball. */
  loadImage(path: string): Promise<readonly string[]>;
  listImages(): Promise<readonly ImageStatus[]>;
  /** False when there is no such image. */
  removeImage(reference: string): Promise<boolean>;
  /** Writes a snapshot to a file that does not exist yet; with `moment`, the state of then will do. */
  saveSnapshot(file: string): Promise<SavedSnapshot>;
}

export const socketName = 'control.sock';

/** One call: a method of ClusterControl by name, or `stop`, with its arguments. */
export interface ControlCall {
  readonly method: keyof ClusterControl | 'stop';
  readonly args: readonly unknown[];
}
export type ControlAnswer = { readonly result: unknown } | { readonly error: string };
