import { endpointslices } from '../../api/generated/resources.ts';
import type { Client } from '../../client/client.ts';
import { unlessGone } from '../unless-gone.ts';
import type { SliceActions } from './arrange-slices.ts';

/** Carries out what was decided. */
export async function writeSlices(client: Client, namespace: string, { create, update, remove }: SliceActions): Promise<void> {
  const slices = client.resource(endpointslices);
  for (const slice of update) await slices.update(slice, { namespace });
  for (const draft of create) await slices.create(draft, { namespace });
  for (const { metadata } of remove) {
    await unlessGone(slices.delete(metadata.name, { namespace, preconditions: { uid: metadata.uid } }));
  }
}
