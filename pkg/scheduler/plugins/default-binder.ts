import { pods } from '../../api/generated/resources.ts';
import { apiVersionOf } from '../../api/object.ts';
import type { Client } from '../../client/client.ts';
import type { Plugin } from '../framework.ts';

/** Writes the decision down: a Binding, which the API server turns into the pod's spec.nodeName. */
export function createDefaultBinder(client: Client): Plugin {
  return {
    name: 'DefaultBinder',
    async bind({ pod }, node, { causes, signal }) {
      const { name, namespace = '', uid } = pod.metadata;
      const binding = {
        apiVersion: apiVersionOf(pods),
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { kind: 'Node', name: node },
      };
      await client.because(causes).resource(pods).createSubresource(name, 'binding', binding, { namespace, signal });
    },
  };
}
