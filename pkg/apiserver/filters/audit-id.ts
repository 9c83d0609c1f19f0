import type { Random } from '../../clock/random.ts';
import { uuid } from '../../clock/random.ts';
import type { Filter } from '../exchange.ts';

/** A client's own id is kept if it looks like one: 64 characters, as in Kubernetes. */
const acceptable = /^[\w.:-]{1,64}$/;

/**
 * Gives the request its id: what a component sent along (`Audit-ID`), or a new one. New ones are a UUID drawn once for
 * this server whose last twelve digits count: unique, and cheaper than a draw for each request.
 */
export function auditId(random: Random): Filter {
  const prefix = uuid(random).slice(0, -12);
  let count = 0;
  return {
    name: 'audit-id',
    apply(exchange) {
      const given = exchange.request.headers['audit-id'];
      exchange.requestId = given !== undefined && acceptable.test(given) ? given : prefix + (++count).toString(16).padStart(12, '0');
      return undefined;
    },
  };
}
