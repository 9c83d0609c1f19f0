/**
 * Config maps, secrets and services as this node's pods see them. Config maps and secrets are watched one by one, and
 * only while a pod here refers to them, so that a node knows no more than it must; a change wakes those pods.
 */
import type { ConfigMap, Container, Pod, Secret, Service } from '../api/generated/core-v1.ts';
import { configmaps, secrets, services } from '../api/generated/resources.ts';
import type { ResourceRef } from '../api/object.ts';
import type { RegistryAuth } from '../cri/cri.ts';
import type { Environment, Informer, InformerFactory } from '../listwatch/contract.ts';
import { createInformer } from '../listwatch/informer.ts';
import { decodeBase64, decodeText } from './base64.ts';
import { withDeadline } from './deadline.ts';

/** How long a pod's start waits for the first look at an object before it is tried again, in milliseconds. */
const syncTimeout = 10_000;

type Kind = 'configmap' | 'secret';
interface Watched {
  readonly informer: Informer<ConfigMap> | Informer<Secret>;
  readonly stop: AbortController;
  readonly users: Set<string>;
}

export class NodeObjects {
  readonly #env: Environment;
  readonly #services: Informer<Service>;
  readonly #watched = new Map<string, Watched>();
  readonly #ofPod = new Map<string, ReadonlySet<string>>();
  readonly #changed: (uid: string) => void;

  /** `changed`: called with a pod's uid when something it refers to has changed. */
  constructor(env: Environment, informers: InformerFactory, changed: (uid: string) => void) {
    this.#env = env;
    this.#services = informers.informer(services);
    this.#changed = changed;
  }

  /** Starts to watch what the pod refers to. */
  retain(pod: Pod): void {
    const uid = pod.metadata.uid;
    const wanted = references(pod);
    const had = this.#ofPod.get(uid);
    this.#ofPod.set(uid, wanted);
    for (const key of wanted) if (!had?.has(key)) this.#use(key, uid);
    for (const key of had ?? []) if (!wanted.has(key)) this.#unuse(key, uid);
  }

  release(uid: string): void {
    for (const key of this.#ofPod.get(uid) ?? []) this.#unuse(key, uid);
    this.#ofPod.delete(uid);
  }

  stop(): void {
    for (const { stop } of this.#watched.values()) stop.abort();
    this.#watched.clear();
    this.#ofPod.clear();
  }

  /** Undefined when there is none. Rejects when it cannot be known in time. */
  async configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return (await this.#find('configmap', namespace, name)) as ConfigMap | undefined;
  }

  async secret(namespace: string, name: string): Promise<Secret | undefined> {
    return (await this.#find('secret', namespace, name)) as Secret | undefined;
  }

  async configMapText(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined> {
    const found = await this.configMap(namespace, name);
    return found && (found.data ?? {});
  }

  async secretText(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined> {
    const found = await this.secret(namespace, name);
    return found && Object.fromEntries(Object.entries(found.data ?? {}).map(([key, value]) => [key, decodeText(decodeBase64(value))]));
  }

  /** Those of the namespace (where links are wanted), and the API server's own. */
  services(namespace: string, links: boolean): readonly Service[] {
    const lister = this.#services.lister;
    const master = lister.get('default/kubernetes');
    const own = links ? lister.list(namespace) : [];
    return master && !own.includes(master) ? [master, ...own] : own;
  }

  /** Credentials of the pod's imagePullSecrets that fit the image's registry. */
  async pullSecrets(pod: Pod, image: string): Promise<readonly RegistryAuth[]> {
    const registry = /^([^/]*[.:][^/]*|localhost)\//.exec(image)?.[1] ?? 'docker.io';
    const out: RegistryAuth[] = [];
    for (const { name } of pod.spec.imagePullSecrets ?? []) {
      const data = name ? await this.secretText(pod.metadata.namespace ?? '', name) : undefined;
      const text = data?.['.dockerconfigjson'] ?? (data?.['.dockercfg'] === undefined ? undefined : `{"auths":${data['.dockercfg']}}`);
      if (text !== undefined) out.push(...credentials(text, registry));
    }
    return out;
  }

  async #find(kind: Kind, namespace: string, name: string): Promise<ConfigMap | Secret | undefined> {
    const watched = this.#watched.get(`${kind}/${namespace}/${name}`);
    const ref = (kind === 'configmap' ? configmaps : secrets) as ResourceRef<ConfigMap | Secret>;
    if (!watched) throw new Error(`${ref.resource} "${name}" is not referred to by any pod here`);
    const { informer } = watched;
    if (!informer.synced) {
      await withDeadline(this.#env.clock, syncTimeout, undefined, (signal) => informer.whenSynced(signal));
    }
    return informer.lister.get(`${namespace}/${name}`);
  }

  #use(key: string, uid: string): void {
    const present = this.#watched.get(key);
    if (present) {
      present.users.add(uid);
      return;
    }
    const [kind, namespace, name] = key.split('/') as [Kind, string, string];
    const options = { namespace, fieldSelector: `metadata.name=${name}` };
    const users = new Set([uid]);
    const stop = new AbortController();
    const wake = (): void => {
      for (const user of users) this.#changed(user);
    };
    const handler = { onAdd: wake, onUpdate: wake, onDelete: wake };
    const start = (informer: Watched['informer']): Watched => {
      informer.addHandler(handler);
      informer.run(stop.signal).catch((error: unknown) => this.#env.log.error('a watch of the kubelet ended', { object: key, error }));
      return { informer, stop, users };
    };
    this.#watched.set(
      key,
      start(kind === 'configmap' ? createInformer(this.#env, configmaps, options) : createInformer(this.#env, secrets, options)),
    );
  }

  #unuse(key: string, uid: string): void {
    const watched = this.#watched.get(key);
    watched?.users.delete(uid);
    if (!watched || watched.users.size > 0) return;
    watched.stop.abort();
    this.#watched.delete(key);
  }
}

/** `kind/namespace/name` of everything that the pod's volumes, variables and pulls need. */
function references(pod: Pod): ReadonlySet<string> {
  const out = new Set<string>();
  const add = (kind: Kind, name: string | undefined): void => {
    if (name) out.add(`${kind}/${pod.metadata.namespace ?? ''}/${name}`);
  };
  for (const { configMap, secret, projected } of pod.spec.volumes ?? []) {
    add('configmap', configMap?.name);
    add('secret', secret?.secretName);
    for (const source of projected?.sources ?? []) {
      add('configmap', source.configMap?.name);
      add('secret', source.secret?.name);
    }
  }
  const containers = [
    ...(pod.spec.initContainers ?? []),
    ...pod.spec.containers,
    ...((pod.spec.ephemeralContainers ?? []) as readonly Container[]),
  ];
  for (const { env, envFrom } of containers) {
    for (const { valueFrom } of env ?? []) {
      add('configmap', valueFrom?.configMapKeyRef?.name);
      add('secret', valueFrom?.secretKeyRef?.name);
    }
    for (const { configMapRef, secretRef } of envFrom ?? []) {
      add('configmap', configMapRef?.name);
      add('secret', secretRef?.name);
    }
  }
  for (const { name } of pod.spec.imagePullSecrets ?? []) add('secret', name);
  return out;
}

/** What a Docker configuration holds for a registry. https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets */
function credentials(text: string, registry: string): RegistryAuth[] {
  let config: { auths?: Record<string, { username?: string; password?: string; auth?: string; identitytoken?: string }> };
  try {
    config = JSON.parse(text) as typeof config;
  } catch {
    // A secret that is no configuration holds no credential; the pull says what is wrong.
    return [];
  }
  return Object.entries(config.auths ?? {}).flatMap(([server, { username, password, auth, identitytoken }]) => {
    const host = server.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
    const fits = host === registry || (registry === 'docker.io' && host.endsWith('docker.io'));
    if (!fits) return [];
    const [user, ...rest] = auth ? decodeText(decodeBase64(auth)).split(':') : [];
    const name = username ?? user;
    return [
      {
        ...(name === undefined ? {} : { username: name }),
        ...((password ?? auth) ? { password: password ?? rest.join(':') } : {}),
        ...(identitytoken ? { token: identitytoken } : {}),
      },
    ];
  });
}
