/** How a webhook is called: by address, or as a service of the cluster. */
import type { WebhookClientConfig } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField, requiredField } from '../../runtime/field-errors.ts';
import { dnsSubdomain } from '../validation/names.ts';

export function webhookClientFaults({ url, service }: WebhookClientConfig, at: string): StatusCause[] {
  if ((url === undefined) === (service === undefined)) return [requiredField(at, 'exactly one of url or service is required')];
  if (url !== undefined) return urlFaults(url, `${at}.url`);
  const causes: StatusCause[] = [];
  if (!service?.name) causes.push(requiredField(`${at}.service.name`, 'service name is required'));
  if (!service?.namespace) causes.push(requiredField(`${at}.service.namespace`, 'service namespace is required'));
  const port = service?.port ?? 443;
  if (port < 1 || port > 65_535) {
    causes.push(invalidField(`${at}.service.port`, port, 'port is not valid: must be between 1 and 65535, inclusive'));
  }
  const path = service?.path;
  if (path !== undefined) causes.push(...pathFaults(path, `${at}.service.path`));
  return causes;
}

function urlFaults(text: string, at: string): StatusCause[] {
  const form = '; desired format: https://host[/path]';
  if (!URL.canParse(text))
    return [requiredField(at, `url must be a valid URL: parse ${JSON.stringify(text)}: invalid URI for request${form}`)];
  const url = new URL(text);
  const causes: StatusCause[] = [];
  if (url.protocol !== 'https:') causes.push(invalidField(at, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`));
  if (url.host === '') causes.push(invalidField(at, url.host, `host must be specified${form}`));
  if (url.username !== '' || url.password !== '')
    causes.push(invalidField(at, url.username, 'user information is not permitted in the URL'));
  if (url.hash !== '') causes.push(invalidField(at, url.hash.slice(1), 'fragments are not permitted in the URL'));
  if (url.search !== '') causes.push(invalidField(at, url.search.slice(1), 'query parameters are not permitted in the URL'));
  return causes;
}

function pathFaults(path: string, at: string): StatusCause[] {
  if (!path.startsWith('/')) return [invalidField(at, path, "must start with a '/'")];
  if (path === '/') return [];
  const causes: StatusCause[] = [];
  const segments = path.replace(/\/$/, '').slice(1).split('/');
  for (const [i, segment] of segments.entries()) {
    if (segment === '') {
      causes.push(invalidField(at, path, `segment[${i}] may not be empty`));
      continue;
    }
    for (const why of dnsSubdomain(segment)) causes.push(invalidField(at, path, `segment[${i}]: ${why}`));
  }
  return causes;
}
