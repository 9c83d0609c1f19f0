/**
 * StatefulSets: pods with lasting names and claims, made and removed in order.
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
 */
import { isAlreadyExists } from '../../api/errors.ts';
import type { ControllerRevision, StatefulSet } from '../../api/generated/apps-v1.ts';
import type { Pod, PodTemplateSpec } from '../../api/generated/core-v1.ts';
import { controllerrevisions, persistentvolumeclaims, pods as podsRef, statefulsets } from '../../api/generated/resources.ts';
import { keyOf, splitKey } from '../../api/object.ts';
import { selectorFromLabelSelector } from '../../api/selectors.ts';
import type { Client } from '../../client/client.ts';
import type { ReconcileResult } from '../../listwatch/contract.ts';
import { candidatesFor, claimObjects } from '../claim.ts';
import { type ControllerContext, type ControllerDeclaration, controlLoop, controllerQueue } from '../controller.ts';
import { beyondHistory, planHistory, revisionHashLabel } from '../controller-history.ts';
import { equal } from '../equal.ts';
import { Expectations } from '../expectations.ts';
import { removeRevisions, syncHistory } from '../history-sync.ts';
import { controllerIndex, podIndexes } from '../indexes.ts';
import { watchOwnedPods } from '../owned-pods.ts';
import { PodControl, type PodWords } from '../pod-control.ts';
import { untilAvailable } from '../pod-state.ts';
import { unlessGone } from '../unless-gone.ts';
import { decideStateful, slotsOf, statefulStatus } from './decide.ts';
import { claimOwners, claimsOf, ordinalOf, podName, statefulPod } from './identity.ts';

const name = 'statefulset-controller';

export const statefulSetController: ControllerDeclaration = {
  name,
  alias: 'statefulset',
  create(context: ControllerContext) {
    const { clock, informers } = context;
    const sets = informers.informer(statefulsets);
    const pods = informers.informer(podsRef, { indexes: podIndexes });
    const revisions = informers.informer(controllerrevisions, { indexes: controllerIndex });
    const claims = informers.informer(persistentvolumeclaims);
    const queue = controllerQueue(context, 'statefulset');
    const expectations = new Expectations(clock);
    const events = context.recorder(name);

    sets.addHandler({
      onAdd: (set, causes) => queue.add(keyOf(set), causes),
      onUpdate: (set, _, causes) => queue.add(keyOf(set), causes),
      onDelete: ({ metadata }) => expectations.forget(metadata.uid),
    });
    watchOwnedPods({
      pods,
      owners: sets,
      kind: 'StatefulSet',
      selectorOf: ({ spec }) => selectorFromLabelSelector(spec.selector),
      expectations,
      queue,
    });

    async function reconcile(key: string, { client }: { readonly client: Client }): Promise<ReconcileResult> {
      const set = sets.lister.get(key);
      if (!set) return undefined;
      const { namespace } = splitKey(key);
      const selector = selectorFromLabelSelector(set.spec.selector);
      const settled = expectations.satisfied(set.metadata.uid);
      const candidates = candidatesFor(set, pods.lister).filter((pod) => ordinalOf(set, pod) !== undefined);
      const owned = await claimObjects({ owner: set, ownerRef: statefulsets, objects: candidates, ref: podsRef, selector, client });
      const known = await claimObjects({
        owner: set,
        ownerRef: statefulsets,
        objects: candidatesFor(set, revisions.lister),
        ref: controllerrevisions,
        selector,
        client,
      });
      const history = planHistory({
        owner: set,
        template: set.spec.template,
        revisions: known,
        collisionCount: set.status.collisionCount ?? 0,
      });
      const api = client.resource(statefulsets);
      if (!set.metadata.deletionTimestamp && (await syncHistory(client, set, history)) === 'collision') {
        await api.updateStatus({ ...set, status: { ...set.status, collisionCount: (set.status.collisionCount ?? 0) + 1 } }, { namespace });
        return undefined;
      }

      // Revisions are named by the set and their hash; the status tells them by name, the pods by label.
      const updateName = history.current?.metadata.name ?? (history.create?.metadata.name as string);
      const currentName = set.status.currentRevision || updateName;
      const current = known.find(({ metadata }) => metadata.name === currentName);
      const currentHash = current?.metadata.labels?.[revisionHashLabel] ?? history.hash;
      const observed = { set, pods: owned, currentRevision: currentHash, updateRevision: history.hash, now: clock.now() };
      let failure: unknown;
      if (settled && !set.metadata.deletionTimestamp) {
        const plan = decideStateful(observed);
        const templates = new Map<string, PodTemplateSpec>([
          [currentHash, templateOf(set, current)],
          [history.hash, set.spec.template],
        ]);
        for (const { ordinal } of plan.create) await createClaims(set, podName(set, ordinal), client);
        await ownClaims(set, owned, client);
        const control = new PodControl({ client, owner: set, events, expectations, words: wordsOf(set) });
        const create = plan.create.map(
          ({ ordinal, revision }) =>
            () =>
              statefulPod(set, ordinal, templates.get(revision) as PodTemplateSpec, revision),
        );
        failure = await control.apply({ create, remove: plan.remove });
        const inUse = (hash: string): boolean =>
          hash === currentHash || owned.some(({ metadata }) => metadata.labels?.[revisionHashLabel] === hash);
        await removeRevisions(client, beyondHistory(history.old, set.spec.revisionHistoryLimit ?? 10, inUse));
      }
      const counted = statefulStatus(observed);
      const status = {
        ...counted,
        currentRevision: counted.currentRevision === history.hash ? updateName : currentName,
        updateRevision: updateName,
      };
      if (!equal(status, set.status)) await unlessGone(api.updateStatus({ ...set, status }, { namespace }));
      if (failure !== undefined) throw failure;
      const waits = owned.map((pod) => untilAvailable(pod, set.spec.minReadySeconds ?? 0, observed.now)).filter((ms) => ms !== undefined);
      return waits.length > 0 ? { after: Math.min(...waits) } : undefined;
    }

    async function createClaims(set: StatefulSet, pod: string, client: Client): Promise<void> {
      for (const draft of claimsOf(set, pod)) {
        const { name: claim, namespace = '' } = draft.metadata;
        if (claims.lister.get(`${namespace}/${claim}`)) continue;
        try {
          await client.resource(persistentvolumeclaims).create(draft, { namespace });
          events.event(set, 'Normal', 'SuccessfulCreate', `create Claim ${claim} Pod ${pod} in StatefulSet ${set.metadata.name} success`);
        } catch (error) {
          if (!isAlreadyExists(error)) throw error;
        }
      }
    }

    /** Brings the owners of all claims in line with the retention policy, before a pod that decides over them goes. */
    async function ownClaims(set: StatefulSet, owned: readonly Pod[], client: Client): Promise<void> {
      if (!set.spec.persistentVolumeClaimRetentionPolicy) return;
      const leaving = new Set(slotsOf(set, owned).condemned);
      for (const pod of owned) {
        for (const { metadata } of claimsOf(set, pod.metadata.name)) {
          const claim = claims.lister.get(`${metadata.namespace}/${metadata.name}`);
          if (!claim) continue;
          const ownerReferences = claimOwners(set, claim, pod, leaving.has(pod));
          if (equal(ownerReferences, claim.metadata.ownerReferences ?? [])) continue;
          const body = { metadata: { uid: claim.metadata.uid, resourceVersion: claim.metadata.resourceVersion, ownerReferences } };
          await unlessGone(
            client
              .resource(persistentvolumeclaims)
              .patch(claim.metadata.name, { type: 'merge', body }, { namespace: metadata.namespace ?? '' }),
          );
        }
      }
    }

    return controlLoop(context, { reconciler: { name, reconcile }, queue, informers: [sets, pods, revisions, claims] });
  },
};

/** What a revision keeps is a patch of the set; the template in it is whole. */
function templateOf(set: StatefulSet, revision: ControllerRevision | undefined): PodTemplateSpec {
  const kept = revision?.data as { readonly spec?: { readonly template?: PodTemplateSpec & { readonly $patch?: string } } } | undefined;
  if (!kept?.spec?.template) return set.spec.template;
  const { $patch: _, ...template } = kept.spec.template;
  return template;
}

/** A pod of a StatefulSet is somebody in particular, and is named with its set. */
function wordsOf({ metadata: { name } }: StatefulSet): PodWords {
  return {
    done: (verb, pod) => `${verb} Pod ${pod} in StatefulSet ${name} successful`,
    failed: (verb, pod, why) => `${verb} Pod ${pod} in StatefulSet ${name} failed error: ${why}`,
  };
}
