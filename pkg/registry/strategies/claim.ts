import { child, isObject, objectAt, type Raw, text } from '../raw.ts';
import type { Strategy } from '../resource.ts';
import { onWrite } from '../validation/immutability.ts';
import { validateClaimStatus, validateClaimUpdate } from '../validation/storage.ts';

/** What a claim is filled from has two fields, an older and a newer one: they say the same where both can. */
function joinSources(claim: Raw): void {
  const spec = child(claim, 'spec');
  const { dataSource, dataSourceRef } = spec;
  if (isObject(dataSource) && dataSourceRef === undefined) spec['dataSourceRef'] = { ...dataSource };
  if (!isObject(dataSourceRef) || dataSource !== undefined) return;
  const { namespace, ...source } = dataSourceRef;
  if (namespace === undefined || namespace === '') spec['dataSource'] = source;
}

const snapshots = 'snapshot.storage.k8s.io';
const isText = (value: unknown): boolean => text(value) !== '';

/** The older field knows of claims and snapshots alone; and nothing is taken from another namespace. */
function dropSources(claim: Raw, old: Raw | undefined): void {
  const spec = child(claim, 'spec');
  const { dataSource, dataSourceRef } = spec;
  const before = objectAt(old?.['spec']);
  if (before['dataSourceRef'] === undefined && isText(objectAt(dataSourceRef)['namespace'])) delete spec['dataSourceRef'];
  if (before['dataSource'] !== undefined || spec['dataSourceRef'] !== undefined || !isObject(dataSource)) return;
  const [group, kind] = [text(dataSource['apiGroup']), dataSource['kind']];
  const known = (group === '' && kind === 'PersistentVolumeClaim') || (group === snapshots && kind === 'VolumeSnapshot');
  if (!known) delete spec['dataSource'];
}

export const claimStrategy: Strategy = {
  prepareCreate(claim) {
    dropSources(claim, undefined);
    joinSources(claim);
  },
  prepareUpdate(claim, old) {
    dropSources(claim, old);
    // One that was stored with one of the two keeps it at that: its spec is immutable.
    const { dataSource, dataSourceRef } = objectAt(old['spec']);
    if ((dataSource === undefined) === (dataSourceRef === undefined)) joinSources(claim);
  },
  validateUpdate: onWrite({ object: validateClaimUpdate, status: validateClaimStatus }),
};
