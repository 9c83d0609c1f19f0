import { ApiError } from '../../api/errors.ts';
import { type Authenticator, anonymous } from '../auth/authenticator.ts';
import type { Filter } from '../exchange.ts';

/** Finds out who asks. A bad credential is refused here (401); none at all goes on as `system:anonymous`. */
export function authenticate(authenticators: readonly Authenticator[]): Filter {
  return {
    name: 'authenticate',
    async apply(exchange) {
      for (const authenticator of authenticators) {
        const found = authenticator.authenticate(exchange.request);
        const user = found instanceof Promise ? await found : found;
        if (user) {
          exchange.user = user;
          return undefined;
        }
      }
      if (exchange.request.headers['authorization'] !== undefined) throw new ApiError('Unauthorized', 'Unauthorized');
      exchange.user = anonymous;
      return undefined;
    },
  };
}
