/**
 * Keeps the ConfigMap `kube-root-ca.crt` in every namespace, so that a pod can tell the real API server from another.
 * Counterpart: Kubernetes' root-ca-certificate-publisher.
 */
import type { ConfigMap, Namespace } from '../../api/generated/core-v1.ts';
import { configmaps, namespaces } from '../../api/generated/resources.ts';
import type { Reconciler, Runnable } from '../../listwatch/contract.ts';
import type { Causes } from '../../trace/cause.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';

const mapName = 'kube-root-ca.crt';
const key = 'ca.crt';
const about = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
};

/** What to do about one namespace's map. */
export function decideRootCA(
  namespace: Namespace | undefined,
  current: ConfigMap | undefined,
  pem: string,
): 'create' | 'update' | 'nothing' {
  if (!namespace || namespace.metadata.deletionTimestamp !== undefined) return 'nothing';
  if (!current) return 'create';
  const { data = {} } = current;
  return data[key] === pem && Object.keys(data).length === 1 ? 'nothing' : 'update';
}

export const rootCAPublisher: ControllerDeclaration = {
  name: 'root-ca-certificate-publisher-controller',
  alias: 'root-ca-cert-publisher',
  create: createRootCAPublisher,
};

function createRootCAPublisher(context: ControllerContext): Runnable {
  const { name } = rootCAPublisher;
  const { rootCA } = context.options;
  if (rootCA === undefined) return { name, run: () => Promise.resolve() };
  const queue = controllerQueue(context, name);
  const namespaceInformer = context.informers.informer(namespaces);
  const mapInformer = context.informers.informer(configmaps);
  namespaceInformer.addHandler({ onAdd: ({ metadata }, causes) => queue.add(metadata.name, causes) });
  const changed = ({ metadata }: ConfigMap, causes: Causes): void => {
    if (metadata.name === mapName && metadata.namespace) queue.add(metadata.namespace, causes);
  };
  mapInformer.addHandler({ onUpdate: (map, _previous, causes) => changed(map, causes), onDelete: changed });
  const reconciler: Reconciler = {
    name,
    async reconcile(namespace, { client }) {
      const current = mapInformer.lister.get(`${namespace}/${mapName}`);
      const maps = client.resource(configmaps);
      const data = { [key]: rootCA };
      switch (decideRootCA(namespaceInformer.lister.get(namespace), current, rootCA)) {
        case 'create':
          await maps.create(
            { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: mapName, namespace, annotations: about }, data },
            { namespace },
          );
          break;
        case 'update':
          if (current) await maps.update({ ...current, data }, { namespace });
          break;
        case 'nothing':
          break;
      }
      return undefined;
    },
  };
  return controlLoop(context, { reconciler, queue, informers: [namespaceInformer, mapInformer] });
}
