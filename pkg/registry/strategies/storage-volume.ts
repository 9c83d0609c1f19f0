import { formatTime } from '../../clock/clock.ts';
import { assign, child, objectAt, text } from '../raw.ts';
import type { Strategy } from '../resource.ts';
import { onWrite } from '../validation/immutability.ts';
import { validateVolumeUpdate } from '../validation/storage.ts';

const since = 'lastPhaseTransitionTime';

/** A volume of the cluster says since when it has been in its phase. */
export const volumeStrategy: Strategy = {
  prepareCreate(object, { now }) {
    object['status'] = { phase: 'Pending', [since]: formatTime(now) };
  },
  prepareSubresource: {
    status(object, old, { now }) {
      const [status, before] = [child(object, 'status'), objectAt(old['status'])];
      const stated = status[since];
      if (text(status['phase']) === text(before['phase'])) assign(status, since, stated ?? before[since]);
      else if (stated === undefined || stated === before[since]) status[since] = formatTime(now);
    },
  },
  validateUpdate: onWrite({ object: validateVolumeUpdate }),
};
