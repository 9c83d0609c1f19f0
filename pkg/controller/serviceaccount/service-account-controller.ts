/**
 * Gives every namespace its ServiceAccount `default`, and gives it back when somebody deletes it.
 * Counterpart: Kubernetes' serviceaccount controller.
 */
import { isAlreadyExists } from '../../api/errors.ts';
import type { Namespace } from '../../api/generated/core-v1.ts';
import { namespaces, serviceaccounts } from '../../api/generated/resources.ts';
import type { Reconciler, Runnable } from '../../listwatch/contract.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';

const accountName = 'default';

/** Whether the account has to be made: the namespace is there to stay, and has none. */
export function needsAccount(namespace: Namespace | undefined, hasAccount: boolean): boolean {
  return namespace !== undefined && namespace.metadata.deletionTimestamp === undefined && !hasAccount;
}

export const serviceAccountController: ControllerDeclaration = {
  name: 'serviceaccount-controller',
  alias: 'serviceaccount',
  create: createServiceAccountController,
};

function createServiceAccountController(context: ControllerContext): Runnable {
  const { name } = serviceAccountController;
  const queue = controllerQueue(context, name);
  const namespaceInformer = context.informers.informer(namespaces);
  const accountInformer = context.informers.informer(serviceaccounts);
  namespaceInformer.addHandler({
    onAdd: ({ metadata }, causes) => queue.add(metadata.name, causes),
    onUpdate: ({ metadata }, _previous, causes) => queue.add(metadata.name, causes),
  });
  accountInformer.addHandler({
    onDelete: ({ metadata }, causes) => {
      if (metadata.name === accountName && metadata.namespace) queue.add(metadata.namespace, causes);
    },
  });
  const reconciler: Reconciler = {
    name,
    async reconcile(namespace, { client }) {
      const hasAccount = accountInformer.lister.get(`${namespace}/${accountName}`) !== undefined;
      if (!needsAccount(namespaceInformer.lister.get(namespace), hasAccount)) return undefined;
      const draft = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: accountName, namespace } } as const;
      try {
        await client.resource(serviceaccounts).create(draft, { namespace });
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
      return undefined;
    },
  };
  return controlLoop(context, { reconciler, queue, informers: [namespaceInformer, accountInformer] });
}
