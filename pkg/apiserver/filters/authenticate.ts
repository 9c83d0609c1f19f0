import { ApiError } from '../../api/errors.ts';
import type { UserInfo } from '../../api/http.ts';
import { type Authenticator, anonymous } from '../auth/authenticator.ts';
import type { Exchange, Filter } from '../exchange.ts';

/** Finds out who asks. A bad credential is refused here (401); none at all goes on as `system:anonymous`. */
export function authenticate(authenticators: readonly Authenticator[]): Filter {
  /** From the `from`th authenticator on; a promise only where one is needed. */
  const tryFrom = (exchange: Exchange, from: number): undefined | Promise<undefined> => {
    for (let i = from; i < authenticators.length; i++) {
      const found = (authenticators[i] as Authenticator).authenticate(exchange.request);
      if (found instanceof Promise) return found.then((user) => (user ? settle(exchange, user) : tryFrom(exchange, i + 1)));
      if (found) return settle(exchange, found);
    }
    if (exchange.request.headers['authorization'] !== undefined) throw new ApiError('Unauthorized', 'Unauthorized');
    return settle(exchange, anonymous);
  };
  return { name: 'authenticate', apply: (exchange) => tryFrom(exchange, 0) };
}

function settle(exchange: Exchange, user: UserInfo): undefined {
  exchange.user = user;
  return undefined;
}
