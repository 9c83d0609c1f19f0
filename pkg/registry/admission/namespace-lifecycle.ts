import { notFound } from '../../api/errors.ts';
import type { Admission, AdmissionAttempt } from '../contract.ts';
import { objectAt, raw } from '../raw.ts';
import type { Environment } from '../resource.ts';
import type { StoredEntry } from '../stored-entry.ts';
import { findEntry } from '../verbs/get.ts';
import { forbidden } from './forbidden.ts';

/** Every cluster has them, and loses its footing without them. */
const immortal = new Set(['default', 'kube-system', 'kube-public']);

/**
 * Nothing is created in a namespace that does not exist or is going away, and the namespaces that every cluster has
 * are never deleted.
 */
export function namespaceLifecycle(environment: Environment): Admission {
  const namespaces = () => environment.resource('', 'namespaces');
  const find = (name: string): StoredEntry | undefined => {
    const { cache } = namespaces();
    return cache.filled ? cache.get(cache.keyOf('', name)) : undefined;
  };
  const findFresh = (name: string): Promise<StoredEntry | undefined> => findEntry(namespaces(), { namespace: '', name });
  const check = (attempt: AdmissionAttempt, entry: StoredEntry | undefined): undefined => {
    const { namespace } = attempt.key;
    if (!entry) throw notFound({ group: '', resource: 'namespaces' }, namespace);
    const { metadata } = entry.peek();
    if (metadata.deletionTimestamp === undefined && objectAt(raw(entry.peek())['status'])['phase'] !== 'Terminating') return undefined;
    throw forbidden(attempt, `unable to create new content in namespace ${namespace} because it is being terminated`, [
      { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' },
    ]);
  };
  return {
    handles: ({ declaration, operation, subresource }) =>
      subresource === '' &&
      (operation === 'CREATE'
        ? declaration.namespaced
        : operation === 'DELETE' && declaration.group === '' && declaration.resource === 'namespaces'),
    mutate(attempt: AdmissionAttempt) {
      const { namespace } = attempt.key;
      // What the cache has is enough, since a namespace that is emptied is looked at again; only an absence must be fresh.
      const entry = find(namespace);
      return entry ? check(attempt, entry) : findFresh(namespace).then((fresh) => check(attempt, fresh));
    },
    validate(attempt) {
      if (attempt.operation === 'DELETE' && immortal.has(attempt.key.name)) throw forbidden(attempt, 'this namespace may not be deleted');
    },
  };
}
