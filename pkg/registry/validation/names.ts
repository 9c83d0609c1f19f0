/**
 * The syntaxes of names, and what is wrong with one, in Kubernetes' words. Each check gives the reasons why a text
 * does not fit; none when it does.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
 */
import { byteLength, dnsSubdomain, type NameCheck, nameCheck, subdomain } from '../../api/qualified-name.ts';

export { dns1035Label, dnsLabel, dnsSubdomain, labelValue, type NameCheck, qualifiedName, regexHint } from '../../api/qualified-name.ts';

/** Whether the texts take more than `max` bytes together. They are only counted when they might. */
export function exceedsBytes(texts: readonly string[], max: number): boolean {
  let most = 0;
  // A UTF-16 code unit takes 3 bytes of UTF-8 at most.
  for (const value of texts) most += value.length * 3;
  if (most <= max) return false;
  let bytes = 0;
  for (const value of texts) bytes += byteLength(value);
  return bytes > max;
}

const configKeySyntax = nameCheck(
  253,
  '[-._a-zA-Z0-9]+',
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  'key.name',
  'KEY_NAME',
  'key-name',
);

/** A key of a ConfigMap or Secret: it becomes a file's name. */
export const configKey: NameCheck = (name) => {
  const reasons = [...configKeySyntax(name)];
  if (name === '.') reasons.push(`must not be '.'`);
  else if (name === '..') reasons.push(`must not be '..'`);
  else if (name.startsWith('..')) reasons.push(`must not start with '..'`);
  return reasons;
};

const notInPath = /[/%]|^\.\.?$/;

/** What may stand in a URL's path as one segment: all that RBAC asks of a name. */
export const pathSegment: NameCheck = (name) => {
  if (!notInPath.test(name)) return [];
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`);
};

const labelOfHosts = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
/** Where hosts are looked for: names that the DNS knows, and underscores. */
const searchSyntax: NameCheck = nameCheck(
  253,
  `${labelOfHosts}(\\.${labelOfHosts})*`,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  'example.com',
);

/** Kubernetes says three times what is wrong with its syntax. */
export const searchDomain: NameCheck = (name) =>
  searchSyntax(name).flatMap((reason) => (reason.startsWith('must') ? reason : [reason, reason, reason]));

export const httpHeaderName: NameCheck = nameCheck(
  Number.POSITIVE_INFINITY,
  '[-A-Za-z0-9]+',
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  'X-Header-Name',
);

/** A port's name, as IANA registers services. */
export const portName: NameCheck = (name) => {
  const reasons: string[] = [];
  if (name.length > 15) reasons.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(name)) reasons.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(name)) reasons.push('must contain at least one letter (a-z)');
  if (name.includes('--')) reasons.push('must not contain consecutive hyphens');
  if (name.startsWith('-') || name.endsWith('-')) reasons.push('must not begin or end with a hyphen');
  return reasons;
};

export const portNumber = (port: number): string[] =>
  Number.isInteger(port) && port >= 1 && port <= 65_535 ? [] : ['must be between 1 and 65535, inclusive'];

/** A variable's name: anything printable but what separates it from its value. */
export const environmentName: NameCheck = (name) =>
  /^[ -<>-~]+$/.test(name) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

const percent = /^[0-9]+%$/;
export const isPercent = (value: unknown): value is string => typeof value === 'string' && percent.test(value);

/** As prefixes, so that `generateName` can be checked with the syntax of the name it leads to. */
export function asPrefix(name: string): string {
  return name.endsWith('-') ? `${name.slice(0, -1)}a` : name;
}

const identifierSyntax = '[A-Za-z_][A-Za-z0-9_]*';
/** An identifier of C. */
export const cIdentifier: NameCheck = nameCheck(
  Number.POSITIVE_INFINITY,
  identifierSyntax,
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  'my_name',
  'MY_NAME',
  'MyName',
);

export const wildcardSubdomain: NameCheck = nameCheck(
  253,
  `\\*\\.${subdomain}`,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  '*.example.com',
);

const domainTooShort = 'should be a domain with at least three segments separated by dots';

/** A webhook's name: a domain of three parts or more. */
export const fullyQualifiedName: NameCheck = (name) => {
  const reasons = dnsSubdomain(name);
  return reasons.length === 0 && name.split('.').length < 3 ? [domainTooShort] : reasons;
};
