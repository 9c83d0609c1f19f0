import { assign, child, objectAt, strings } from '../raw.ts';
import type { Strategy } from '../resource.ts';
import { validateFinalize, validateNamespaceStatus } from '../validation/cluster.ts';
import { onWrite } from '../validation/immutability.ts';

/** Holds a namespace until the namespace controller has emptied it. */
const finalizer = 'kubernetes';

/**
 * A namespace goes away in steps: it is marked Terminating, a controller empties it and takes its own finalizer off
 * `spec.finalizers` (the `finalize` subresource), and with the last one the namespace is gone.
 */
export const namespaceStrategy: Strategy = {
  prepareCreate(object) {
    object['status'] = { phase: 'Active' };
    const spec = child(object, 'spec');
    const finalizers = strings(spec['finalizers']);
    if (!finalizers.includes(finalizer)) spec['finalizers'] = [...finalizers, finalizer];
  },
  prepareUpdate(object, old) {
    assign(child(object, 'spec'), 'finalizers', objectAt(old['spec'])['finalizers']);
  },
  prepareSubresource: {
    finalize(object, old) {
      assign(object, 'status', old['status']);
    },
  },
  validateUpdate: onWrite({ status: validateNamespaceStatus, finalize: validateFinalize }),
  prepareDelete(object) {
    child(object, 'status')['phase'] = 'Terminating';
    delete child(object, 'metadata')['deletionGracePeriodSeconds'];
  },
  holdsDeletion: (object) => strings(objectAt(object['spec'])['finalizers']).length > 0,
};
