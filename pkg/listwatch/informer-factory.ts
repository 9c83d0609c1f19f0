import { InvariantError } from '../api/errors.ts';
import type { KubeObject, ResourceRef } from '../api/object.ts';
import type { Environment, Informer, InformerFactory, InformerOptions } from './contract.ts';
import { SharedInformer } from './informer.ts';
import { nameOf } from './reflector.ts';
import { RunTogether } from './run-together.ts';

/**
 * One informer for each (resource, namespace, selectors), shared by everything in a process. Informers asked for
 * while the factory runs are started at once. client-go: SharedInformerFactory.
 */
export function createInformerFactory(env: Environment): InformerFactory {
  const informers = new Map<string, SharedInformer<KubeObject>>();
  const started = new Set<string>();
  let group: RunTogether | undefined;

  const startAll = (): void => {
    for (const [name, informer] of informers) {
      if (!group || started.has(name)) continue;
      started.add(name);
      group.start((signal) => informer.run(signal));
    }
  };

  return {
    informer<T extends KubeObject>(ref: ResourceRef<T>, options: InformerOptions<T> = {}): Informer<T> {
      if (options.transform) throw new InvariantError(`a shared informer keeps whole objects: no transform for ${ref.resource}`);
      const name = `${ref.version}/${nameOf(ref, options)}`;
      // The name holds the resource, and the resource its type.
      let informer = informers.get(name) as unknown as SharedInformer<T> | undefined;
      if (informer) {
        informer.addIndexes(options.indexes ?? {});
      } else {
        informer = new SharedInformer(env, ref, options);
        informers.set(name, informer as unknown as SharedInformer<KubeObject>);
        startAll();
      }
      return informer;
    },

    async run(signal) {
      if (group) throw new InvariantError('the informer factory is running already');
      group = new RunTogether();
      try {
        startAll();
        await group.untilStopped(signal);
      } finally {
        group = undefined;
        started.clear();
      }
    },

    async whenSynced(signal) {
      startAll();
      await Promise.all([...informers.values()].map((informer) => informer.whenSynced(signal)));
    },
  };
}
