/** Where webhooks of every sort are: admission, conversion of custom resources, aggregated APIs. */
import { invalidField, requiredField } from '../../runtime/field-errors.ts';
import { isObject, text } from '../raw.ts';
import { dnsSubdomain, portNumber } from './names.ts';
import { below, type Report, type Validator } from './validator.ts';

/** `clientConfig`: a URL or a service, not both. */
export const webhookClient: Validator = (config, path, report) => {
  const { url, service } = config;
  if ((url === undefined) === (service === undefined)) {
    report(requiredField(path, 'exactly one of url or service is required'));
  } else if (url !== undefined) checkUrl(text(url), below(path, 'url'), report);
  else if (isObject(service)) webhookService(service, below(path, 'service'), report);
};

/** What Go makes of a text without a scheme: a path. */
const schemeless = { protocol: ':', host: '', username: '', password: '', hash: '', search: '' };

function checkUrl(given: string, path: string, report: Report): void {
  const form = '; desired format: https://host[/path]';
  const url = /^[a-z][-+.a-z0-9]*:/i.test(given) ? URL.parse(given) : schemeless;
  if (!url) {
    report(requiredField(path, `url must be a valid URL: parse ${JSON.stringify(given)}: invalid URI for request${form}`));
    return;
  }
  const say = (value: string, detail: string): void => report(invalidField(path, value, detail));
  if (url.protocol !== 'https:') say(url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`);
  if (url.host === '') say(url.host, `host must be specified${form}`);
  if (url.username !== '' || url.password !== '')
    say(url.password === '' ? url.username : `${url.username}:${url.password}`, `user information is not permitted in the URL`);
  if (url.hash !== '') say(url.hash.slice(1), `fragments are not permitted in the URL`);
  if (url.search !== '') say(url.search.slice(1), `query parameters are not permitted in the URL`);
}

/** A service's name, namespace, port and path. */
export const webhookService: Validator = (service, path, report) => {
  for (const field of ['name', 'namespace']) {
    if (text(service[field]) === '') report(requiredField(below(path, field)));
  }
  const { port } = service;
  if (port !== undefined && portNumber(Number(port)).length > 0)
    report(invalidField(below(path, 'port'), port, 'port is not valid: must be between 1 and 65535, inclusive'));
  if (service['path'] === undefined) return;
  checkServicePath(text(service['path']), below(path, 'path'), report);
};

function checkServicePath(given: string, path: string, report: Report): void {
  const say = (detail: string): void => report(invalidField(path, given, detail));
  if (given === '' || given === '/') return;
  if (given === '//') {
    say('segment[0] may not be empty');
    return;
  }
  if (!given.startsWith('/')) say("must start with a '/'");
  const steps = given.slice(1).replace(/\/$/, '').split('/');
  for (const [i, step] of steps.entries()) {
    const at = `segment[${i}]`;
    if (step === '') say(`${at} may not be empty`);
    else for (const reason of dnsSubdomain(step)) say(`${at}: ${reason}`);
  }
}
