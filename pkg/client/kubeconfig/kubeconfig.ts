/**
 * Kubeconfig files: reading several as one, and changing one context in one of them, comments and everything that
 * is not ours kept. Texts in, texts out; which files these are is known to `kubeconfig-files.node.ts`.
 * https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
 */
import { type Document, isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';
import { fromBase64, toBase64 } from '../credentials/base64.ts';

export interface Kubeconfig {
  readonly currentContext: string;
  readonly clusters: ReadonlyMap<string, Fields>;
  readonly users: ReadonlyMap<string, Fields>;
  readonly contexts: ReadonlyMap<string, Fields>;
}

/** An entry's fields as they stand in the file, and the folder that relative paths in it begin at. */
export interface Fields {
  readonly values: Readonly<Record<string, unknown>>;
  readonly folder: string;
}

/** What is needed to talk to a cluster. PEM, not base64. */
export interface ContextCredentials {
  readonly server: string;
  readonly certificateAuthority?: string;
  readonly serverName?: string;
  readonly insecure?: boolean;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly token?: string;
  readonly namespace?: string;
}

/** Throws an Error that names the line when the text is no kubeconfig. */
export function parseKubeconfig(text: string, folder = '.'): Kubeconfig {
  const document = parseYaml(text);
  const value = (document.toJS() ?? {}) as Record<string, unknown>;
  const section = (name: string, inner: string): Map<string, Fields> => {
    const list = value[name];
    const out = new Map<string, Fields>();
    for (const entry of Array.isArray(list) ? (list as unknown[]) : []) {
      if (typeof entry !== 'object' || entry === null) continue;
      const { name: key, [inner]: values } = entry as Record<string, unknown>;
      // The first of several entries of one name counts, as kubectl has it.
      if (typeof key === 'string' && !out.has(key)) out.set(key, { values: (values ?? {}) as Fields['values'], folder });
    }
    return out;
  };
  return {
    currentContext: typeof value['current-context'] === 'string' ? value['current-context'] : '',
    clusters: section('clusters', 'cluster'),
    users: section('users', 'user'),
    contexts: section('contexts', 'context'),
  };
}

/** Several files as one: what an earlier file says of a name counts. */
export function mergeKubeconfigs(configs: readonly Kubeconfig[]): Kubeconfig {
  const merged = (of: (config: Kubeconfig) => ReadonlyMap<string, Fields>): ReadonlyMap<string, Fields> => {
    const out = new Map<string, Fields>();
    for (const config of configs) for (const [name, fields] of of(config)) if (!out.has(name)) out.set(name, fields);
    return out;
  };
  return {
    currentContext: configs.find((config) => config.currentContext !== '')?.currentContext ?? '',
    clusters: merged((config) => config.clusters),
    users: merged((config) => config.users),
    contexts: merged((config) => config.contexts),
  };
}

/**
 * A context's server and credentials; default: the current context. `readFile` is asked for files that the config
 * names (`certificate-authority: ca.crt`). Throws an Error in kubectl's words when something is missing.
 */
export async function resolveContext(
  config: Kubeconfig,
  options: { readonly context?: string; readFile(folder: string, path: string): Promise<string> },
): Promise<ContextCredentials> {
  const name = options.context ?? config.currentContext;
  if (name === '') throw new Error('no current context is set in the kubeconfig');
  const context = config.contexts.get(name)?.values;
  if (!context) throw new Error(`context ${JSON.stringify(name)} does not exist`);
  const cluster = config.clusters.get(String(context['cluster']));
  if (!cluster) throw new Error(`cluster ${JSON.stringify(context['cluster'])} does not exist`);
  const user = config.users.get(String(context['user']));
  if (user?.values['exec'] || user?.values['auth-provider']) {
    throw new Error(`user ${JSON.stringify(context['user'])} gets its credentials from a plugin, which is not supported`);
  }
  const material = async (fields: Fields | undefined, key: string): Promise<string | undefined> => {
    const data = fields?.values[`${key}-data`];
    if (typeof data === 'string' && data !== '') return new TextDecoder().decode(fromBase64(data));
    const path = fields?.values[key];
    return fields && typeof path === 'string' && path !== '' ? options.readFile(fields.folder, path) : undefined;
  };
  const tokenFile = user?.values['tokenFile'];
  const token =
    user?.values['token'] ?? (user && typeof tokenFile === 'string' ? (await options.readFile(user.folder, tokenFile)).trim() : undefined);
  return withoutUndefined({
    server: String(cluster.values['server'] ?? ''),
    certificateAuthority: await material(cluster, 'certificate-authority'),
    serverName: cluster.values['tls-server-name'] as string | undefined,
    insecure: cluster.values['insecure-skip-tls-verify'] as boolean | undefined,
    clientCertificate: await material(user, 'client-certificate'),
    clientKey: await material(user, 'client-key'),
    token: token as string | undefined,
    namespace: context['namespace'] as string | undefined,
  });
}

function withoutUndefined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}

/** The text with cluster, user and context of that name set, and made the current context. */
export function setContext(text: string, name: string, credentials: ContextCredentials): string {
  const { server, certificateAuthority, clientCertificate, clientKey, token, insecure, namespace, serverName } = credentials;
  const encoded = (pem: string): string => toBase64(new TextEncoder().encode(pem));
  const cluster = {
    ...(certificateAuthority === undefined ? {} : { 'certificate-authority-data': encoded(certificateAuthority) }),
    ...(insecure ? { 'insecure-skip-tls-verify': true } : {}),
    ...(serverName === undefined ? {} : { 'tls-server-name': serverName }),
    server,
  };
  const context = { cluster: name, ...(namespace === undefined ? {} : { namespace }), user: name };
  const user = {
    ...(clientCertificate === undefined ? {} : { 'client-certificate-data': encoded(clientCertificate) }),
    ...(clientKey === undefined ? {} : { 'client-key-data': encoded(clientKey) }),
    ...(token === undefined ? {} : { token }),
  };
  if (text.trim() === '') return newKubeconfig(name, { cluster, context, user });
  const document = parseYaml(text);
  if (document.contents === null) document.contents = document.createNode({ apiVersion: 'v1', kind: 'Config', preferences: {} });
  setNamed(document, 'clusters', 'cluster', name, cluster);
  setNamed(document, 'contexts', 'context', name, context);
  setNamed(document, 'users', 'user', name, user);
  document.set('current-context', name);
  return document.toString({ lineWidth: 0 });
}

/**
 * A file in which there is nothing to be kept, written without the YAML library: an API server that starts makes one
 * for each component, before anybody is answered.
 */
function newKubeconfig(
  name: string,
  entries: Readonly<Record<'cluster' | 'context' | 'user', Readonly<Record<string, string | boolean>>>>,
): string {
  const lines = ['apiVersion: v1', 'kind: Config', 'preferences: {}'];
  for (const [inner, fields] of Object.entries(entries)) {
    const given = Object.entries(fields);
    lines.push(`${inner}s:`, `  - ${inner}:${given.length === 0 ? ' {}' : ''}`);
    for (const [key, value] of given) lines.push(`      ${key}: ${typeof value === 'string' ? scalar(value) : value}`);
    lines.push(`    name: ${scalar(name)}`);
  }
  return `${[...lines, `current-context: ${scalar(name)}`].join('\n')}\n`;
}

/** As it is, where it can be taken for nothing but a string (`true`, `null`, `off` have no more than five letters). */
function scalar(text: string): string {
  return /^([A-Za-z][\w+/=.-]{5,}|https?:\/\/[\w.:-]+)$/.test(text) ? text : JSON.stringify(text);
}

/** The text without what `setContext` put under that name; undefined when there was nothing. */
export function unsetContext(text: string, name: string): string | undefined {
  const document = parseYaml(text);
  let changed = false;
  for (const section of ['clusters', 'contexts', 'users']) {
    const list = document.get(section);
    if (!isSeq(list)) continue;
    const kept = list.items.filter((item) => !isMap(item) || item.get('name') !== name);
    if (kept.length === list.items.length) continue;
    list.items = kept;
    if (kept.length === 0) list.flow = true; // an empty list is written `[]`
    changed = true;
  }
  if (document.get('current-context') === name) {
    document.set('current-context', '');
    changed = true;
  }
  return changed ? document.toString({ lineWidth: 0 }) : undefined;
}

function setNamed(document: Document, section: string, inner: string, name: string, fields: Readonly<Record<string, unknown>>): void {
  let list = document.get(section);
  if (!isSeq(list)) {
    list = document.createNode([]);
    document.set(section, list);
  }
  if (!isSeq(list)) return;
  list.flow = false;
  const value = document.createNode({ [inner]: fields, name }) as YAMLMap;
  const at = list.items.findIndex((item) => isMap(item) && item.get('name') === name);
  if (at >= 0) list.items[at] = value;
  else list.items.push(value);
}

function parseYaml(text: string): Document {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw new Error(`not a kubeconfig: ${error.message}`);
  if (document.contents !== null && !isMap(document.contents)) throw new Error('not a kubeconfig: expected a mapping at the top');
  return document;
}
