import type { KubeObject } from '../../api/object.ts';
import { randomSuffix } from '../../clock/random.ts';
import type { Admission, AdmissionAttempt } from '../contract.ts';
import { child, objectAt, objects, type Raw, raw, text } from '../raw.ts';
import type { Environment } from '../resource.ts';
import type { StoredEntry } from '../stored-entry.ts';
import { forbidden } from './forbidden.ts';

/** Where pods find their token, the cluster's CA and their namespace. */
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';
/** An hour and a little: who asks for exactly an hour is told apart from this volume. */
const tokenSeconds = 3607;
/** The account of a new namespace is made by a controller: it may take a moment. */
const patience = 2_000;
const step = 50;

/**
 * Gives every pod an account, and mounts the account's credentials where clients look for them.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#serviceaccount
 */
export function serviceAccount(environment: Environment): Admission {
  return {
    handles: ({ declaration, operation, subresource }) =>
      declaration.group === '' && declaration.resource === 'pods' && operation === 'CREATE' && subresource === '',
    async mutate(attempt) {
      const pod = raw(attempt.object as KubeObject);
      if (objectAt(objectAt(pod['metadata'])['annotations'])['kubernetes.io/config.mirror'] !== undefined) return undefined;
      const spec = child(pod, 'spec');
      const name = text(spec['serviceAccountName']) || 'default';
      spec['serviceAccountName'] = name;
      spec['serviceAccount'] = name;
      const account = raw((await findAccount(environment, attempt, name)).object);
      if (mountsToken(account, spec)) mountToken(spec, volumePrefix + randomSuffix(environment.random));
      const secrets = objects(account['imagePullSecrets']);
      if (objects(spec['imagePullSecrets']).length === 0 && secrets.length > 0) {
        spec['imagePullSecrets'] = secrets.map((secret) => ({ name: text(secret['name']) }));
      }
      return attempt.object;
    },
  };
}

async function findAccount(environment: Environment, attempt: AdmissionAttempt, name: string): Promise<StoredEntry> {
  const { cache } = environment.resource('', 'serviceaccounts');
  const key = cache.keyOf(attempt.key.namespace, name);
  await cache.ready(false);
  for (let waited = 0; ; waited += step) {
    const entry = cache.get(key);
    if (entry) return entry;
    await cache.ready(true);
    const fresh = cache.get(key);
    if (fresh) return fresh;
    if (waited >= patience) break;
    await environment.clock.sleep(step, attempt.context.signal);
  }
  throw forbidden(attempt, `error looking up service account ${attempt.key.namespace}/${name}: serviceaccount "${name}" not found`);
}

/** The pod decides, then the account; if neither does, the token is mounted. */
function mountsToken(account: Raw, spec: Raw): boolean {
  return (spec['automountServiceAccountToken'] ?? account['automountServiceAccountToken'] ?? true) === true;
}

function mountToken(spec: Raw, name: string): void {
  const present = objects(spec['volumes']).find((volume) => text(volume['name']).startsWith(volumePrefix));
  const volume = present ? text(present['name']) : name;
  let needed = false;
  for (const list of ['initContainers', 'containers']) {
    for (const container of objects(spec[list])) {
      const mounts = objects(container['volumeMounts']);
      if (mounts.some((mount) => mount['mountPath'] === mountPath)) continue;
      container['volumeMounts'] = [...mounts, { name: volume, readOnly: true, mountPath }];
      needed = true;
    }
  }
  if (needed && !present) spec['volumes'] = [...objects(spec['volumes']), tokenVolume(volume)];
}

function tokenVolume(name: string): Raw {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
      defaultMode: 0o644,
    },
  };
}
