import type { Random } from '../../clock/random.ts';
import { uuid } from '../../clock/random.ts';
import type { Filter } from '../exchange.ts';

/** A client's own id is kept if it looks like one: 64 characters, as in Kubernetes. */
const acceptable = /^[\w.:-]{1,64}$/;

/** Gives the request its id: what a component sent along (`Audit-ID`), or a new one. */
export function auditId(random: Random): Filter {
  const pool = pooled(random);
  return {
    name: 'audit-id',
    apply(exchange) {
      const given = exchange.request.headers['audit-id'];
      exchange.requestId = given !== undefined && acceptable.test(given) ? given : uuid(pool);
      return undefined;
    },
  };
}

/** The same bytes, drawn for 256 ids at a time: asking the platform costs more than the id is worth. */
function pooled(random: Random): Random {
  let bytes: Uint8Array = new Uint8Array(0);
  let at = 0;
  return {
    next: () => random.next(),
    fork: (label) => random.fork(label),
    bytes(n) {
      if (at + n > bytes.length) {
        bytes = random.bytes(Math.max(n, 4096));
        at = 0;
      }
      at += n;
      return bytes.subarray(at - n, at);
    },
  };
}
