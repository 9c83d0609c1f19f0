import type { WebhookClientConfig } from '../api/generated/apiextensions-v1.ts';

/** The way to webhooks. What is dialled, and how it proves who it is, stands in the client config. */
export interface WebhookDialer {
  /**
   * POSTs JSON; resolves to the body of the answer. Rejects with a plain error in words that a user can act on when
   * there is no answer in time (30 s), or its status is not 200.
   */
  post(client: WebhookClientConfig, body: Uint8Array): Promise<Uint8Array>;
}
