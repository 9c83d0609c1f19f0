/**
 * The syntaxes of names that labels share with everything else, and what is wrong with one, in Kubernetes' words.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
 */

/** The reasons why a text does not fit; none when it does. */
export type NameCheck = (name: string) => readonly string[];

const fits: readonly string[] = [];

const encoder = new TextEncoder();
export const byteLength = (value: string): number => encoder.encode(value).length;

/** Bytes are counted, and called characters. */
const tooLong = (max: number): string => `must be no more than ${max} characters`;

export function regexHint(what: string, pattern: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${what} (${shown === '' ? '' : `e.g. ${shown}`}regex used for validation is '${pattern}')`;
}

export function nameCheck(max: number, pattern: string, what: string, ...examples: string[]): NameCheck {
  const syntax = new RegExp(`^(?:${pattern})$`);
  const hint = regexHint(what, pattern, ...examples);
  return (name) => {
    const long = name.length > max / 3 && byteLength(name) > max;
    if (syntax.test(name)) return long ? [tooLong(max)] : fits;
    return long ? [tooLong(max), hint] : [hint];
  };
}

/** Labels' own rules call bytes by their name. */
const inBytes =
  (check: NameCheck): NameCheck =>
  (name) =>
    check(name).map((reason) => reason.replace(/^(must be no more than \d+) characters$/, '$1 bytes'));

export const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
export const subdomain = `${label}(\\.${label})*`;
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

export const dnsSubdomain = nameCheck(
  253,
  subdomain,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  'example.com',
);
const dnsLabelSyntax = nameCheck(
  63,
  label,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  'my-name',
  '123-abc',
);
const dotted = new RegExp(`^${subdomain}$`);
/** What would do as a subdomain has one thing too many. */
export const dnsLabel: NameCheck = (name) => {
  const reasons = dnsLabelSyntax(name);
  return name.includes('.') && dotted.test(name) ? [...reasons.slice(0, -1), 'must not contain dots'] : reasons;
};
export const dns1035Label = nameCheck(
  63,
  '[a-z]([-a-z0-9]*[a-z0-9])?',
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  'my-name',
  'abc-123',
);
export const labelValue = inBytes(
  nameCheck(
    63,
    `(${qualified})?`,
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    'MyValue',
    'my_value',
    '12345',
  ),
);
const namePart = inBytes(
  nameCheck(
    63,
    qualified,
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    'MyName',
    'my.name',
    '123-abc',
  ),
);
/** A label's key, a finalizer, a resource's name: an optional DNS prefix, a slash, and a name. */
export const qualifiedName: NameCheck = (name) => {
  if (!name.includes('/') && namePart(name).length === 0) return fits;
  const parts = name.split('/');
  const last = parts.at(-1) as string;
  if (parts.length > 2) {
    return [
      `${regexHint("a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", qualified, 'MyName', 'my.name', '123-abc')} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const reasons: string[] = [];
  if (parts.length === 2) {
    if (parts[0] === '') reasons.push('prefix part must be non-empty');
    else reasons.push(...inBytes(dnsSubdomain)(parts[0] as string).map((reason) => `prefix part ${reason}`));
  }
  if (last === '') reasons.push('name part must be non-empty');
  return [...reasons, ...namePart(last).map((reason) => (reason.startsWith('must') ? `name part ${reason}` : reason))];
};
