import { isApiError } from '../../api/errors.ts';
import type { WebhookClientConfig } from '../../api/generated/apiextensions-v1.ts';
import { fromBase64 } from '../../client/credentials/base64.ts';
import { bodyOf, readBody } from '../../client/read-body.ts';
import type { Clock } from '../../clock/clock.ts';
import type { Random } from '../../clock/random.ts';
import { systemContext } from '../../registry/bootstrap.ts';
import type { WebhookDialer } from '../../registry/webhook-dialer.ts';
import type { RegistryPort } from '../resource-call.ts';
import type { BackendDialer, DialedTarget } from './dialers.ts';
import { serviceEndpoint } from './service-endpoint.ts';

/** Kubernetes' own for conversion webhooks. */
const timeout = 30_000;
/** As much as a list of objects may take: what comes back is as large as what was sent. */
const maxAnswer = 256 * 1024 * 1024;
const decoder = new TextDecoder();

export interface NetworkWebhookDialerOptions {
  readonly backends: BackendDialer;
  /** Where services are looked up. */
  readonly registry: () => RegistryPort;
  readonly clock: Clock;
  readonly random: Random;
}

/** Webhooks by their address, or as services of the cluster, whose certificate is for `name.namespace.svc`. */
export class NetworkWebhookDialer implements WebhookDialer {
  readonly #options: NetworkWebhookDialerOptions;

  constructor(options: NetworkWebhookDialerOptions) {
    this.#options = options;
  }

  async post(client: WebhookClientConfig, body: Uint8Array): Promise<Uint8Array> {
    const url = new URL(addressOf(client));
    url.searchParams.set('timeout', `${timeout / 1000}s`);
    const { clock, backends } = this.#options;
    const end = new AbortController();
    const timer = clock.setTimer(timeout, () =>
      end.abort(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')),
    );
    try {
      const { status, body: answer } = await backends.connect(await this.#target(client, url), {
        method: 'POST',
        path: url.pathname,
        query: url.searchParams,
        headers: { 'content-type': 'application/json', accept: 'application/json', 'content-length': String(body.length) },
        body: bodyOf(body),
        signal: end.signal,
      });
      const bytes = await readBody(answer, maxAnswer);
      if (status !== 200) throw new Error(refusal(status, bytes));
      return bytes;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`Post ${JSON.stringify(url.href)}: ${why}`, { cause: error });
    } finally {
      timer.cancel();
    }
  }

  async #target({ service, caBundle }: WebhookClientConfig, url: URL): Promise<DialedTarget> {
    const certificateAuthority = caBundle ? decoder.decode(fromBase64(caBundle)) : undefined;
    const verify = { serverName: url.hostname, ...(certificateAuthority === undefined ? {} : { certificateAuthority }) };
    const port = url.port === '' ? 443 : Number(url.port);
    if (!service) return { scheme: 'https', host: url.hostname, port, verify };
    const { registry, random } = this.#options;
    const { name, namespace } = service;
    try {
      const around = { registry: registry(), random, context: systemContext('get') };
      const choose = (ports: readonly { readonly port: number }[]) => ports.find((each) => each.port === port);
      return { scheme: 'https', ...(await serviceEndpoint(around, { namespace, name }, { choose, port: String(port) })), verify };
    } catch (error) {
      throw isApiError(error, 'NotFound') ? new Error(`service ${JSON.stringify(name)} not found`, { cause: error }) : error;
    }
  }
}

function addressOf({ url, service }: WebhookClientConfig): string {
  if (url !== undefined) return url;
  if (!service) throw new Error('the webhook has neither a URL nor a service');
  return `https://${service.name}.${service.namespace}.svc:${service.port ?? 443}${service.path ?? '/'}`;
}

/** What a webhook says instead of an answer: its Status, or the start of its text. */
function refusal(status: number, bytes: Uint8Array): string {
  const text = decoder.decode(bytes.subarray(0, 1024)).trim();
  return `the server responded with the status code ${status}${text === '' ? ' but did not return more information' : `: ${text}`}`;
}
