import type { KubeObject } from '../../api/object.ts';
import type { ResourceStorage } from '../contract.ts';
import type { Registry } from '../registry.ts';

/** Objects as tests write them down: only what matters. */
export function configMap(name: string, rest: { labels?: Record<string, string>; data?: Record<string, string> } = {}): KubeObject {
  const { labels, data } = rest;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, ...(labels ? { labels } : {}) },
    ...(data ? { data } : {}),
  } as unknown as KubeObject;
}

export function pod(name: string, spec: object = {}, metadata: object = {}): KubeObject {
  const containers = [{ name: 'main', image: 'gokube/host' }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, ...metadata }, spec: { containers, ...spec } } as unknown as KubeObject;
}

export function object(apiVersion: string, kind: string, name: string, rest: object = {}, metadata: object = {}): KubeObject {
  return { apiVersion, kind, metadata: { name, ...metadata }, ...rest } as unknown as KubeObject;
}

/** The storage of a resource that is there. */
export function storageOf(registry: Registry, resource: string, group = '', version = 'v1'): ResourceStorage {
  const storage = registry.storage(group, version, resource);
  if (!storage) throw new Error(`no storage for ${group}/${version}/${resource}`);
  return storage;
}

/** With `change` merged over its top-level fields. */
export function changed(change: object): (current: KubeObject | undefined) => KubeObject {
  return (current) => ({ ...current, ...change }) as KubeObject;
}

/** With `metadata` merged over its metadata. */
export function relabelled(metadata: object): (current: KubeObject | undefined) => KubeObject {
  return (current) => ({ ...current, metadata: { ...current?.metadata, ...metadata } }) as KubeObject;
}
