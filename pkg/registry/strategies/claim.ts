import { child, isObject, objectAt, type Raw } from '../raw.ts';
import type { Strategy } from '../resource.ts';
import { onWrite } from '../validation/immutability.ts';
import { validateClaimUpdate } from '../validation/storage.ts';

/** What a claim is filled from has two fields, an older and a newer one: they say the same where both can. */
function joinSources(claim: Raw): void {
  const spec = child(claim, 'spec');
  const { dataSource, dataSourceRef } = spec;
  if (isObject(dataSource) && dataSourceRef === undefined) spec['dataSourceRef'] = { ...dataSource };
  if (!isObject(dataSourceRef) || dataSource !== undefined) return;
  const { namespace, ...source } = dataSourceRef;
  if (namespace === undefined || namespace === '') spec['dataSource'] = source;
}

export const claimStrategy: Strategy = {
  prepareCreate: joinSources,
  prepareUpdate(claim, old) {
    // One that was stored with one of the two keeps it at that: its spec is immutable.
    const { dataSource, dataSourceRef } = objectAt(old['spec']);
    if ((dataSource === undefined) === (dataSourceRef === undefined)) joinSources(claim);
  },
  validateUpdate: onWrite({ object: validateClaimUpdate }),
};
