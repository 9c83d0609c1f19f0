import type { ApiServerOptions } from '../apiserver/api-server.ts';
import type { Clock } from '../clock/clock.ts';
import type { Random } from '../clock/random.ts';

/** Credentials of a simulated cluster: made from its seed, without cryptography that would leave the clock. */
export function simulatedCredentials(_source: { readonly clock: Clock; readonly random: Random }): {
  readonly apiServer: Partial<ApiServerOptions>;
  readonly rootCA: string;
} {
  return { apiServer: {}, rootCA: '-----BEGIN CERTIFICATE-----\nsimulated\n-----END CERTIFICATE-----\n' };
}
