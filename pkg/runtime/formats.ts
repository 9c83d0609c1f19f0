/**
 * The formats that a custom resource's schema may ask of a text. An unknown format says nothing.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation
 */

const ipv4 = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/;

/** An address of IPv6 in any of its forms, without a zone. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const dotted = last?.includes('.') ?? false;
  if (dotted && !ipv4.test(last ?? '')) return false;
  const hex = dotted ? groups.slice(0, -1) : groups;
  const count = hex.length + (dotted ? 2 : 0);
  return hex.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) && (halves.length === 2 ? count < 8 : count === 8);
}

function isCidr(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length)) return false;
  return ipv4.test(address) ? Number(length) <= 32 : isIpv6(address) && Number(length) <= 128;
}

function isDate(text: string): boolean {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

function isDateTime(text: string): boolean {
  const match = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)$/.exec(text);
  return match !== null && isDate(match[1] as string) && Number(match[2]) < 24 && Number(match[3]) < 60 && Number(match[4]) < 60;
}

function isUri(text: string): boolean {
  return text.startsWith('/') || URL.canParse(text);
}

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const uuidOf = (version: string) => new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$`, 'i');
const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';

const tests: Readonly<Record<string, RegExp | ((text: string) => boolean)>> = {
  bsonobjectid: /^[0-9a-f]{24}$/i,
  byte: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  cidr: isCidr,
  creditcard: /^\d{13,19}$/,
  date: isDate,
  datetime: isDateTime,
  duration:
    /^[-+]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+|\d+ ?(ns|us|ms|s|m|h|d|w|nano\w*|micro\w*|milli\w*|second\w*|minute\w*|hour\w*|day\w*|week\w*))$/,
  email: /^[^\s@<>()[\]\\,;:"]+@[^\s@<>()[\]\\,;:"]+$/,
  hexcolor: /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i,
  hostname: new RegExp(`^${label}(\\.${label})*\\.?$`, 'i'),
  ipv4,
  ipv6: isIpv6,
  isbn: /^(?:\d[- ]?){9}[\dXx]$|^(?:\d[- ]?){13}$/,
  isbn10: /^(?:\d[- ]?){9}[\dXx]$/,
  isbn13: /^(?:\d[- ]?){13}$/,
  password: () => true,
  mac: /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$|^([0-9a-f]{2}[:-]){7}[0-9a-f]{2}$|^([0-9a-f]{4}\.){2}[0-9a-f]{4}$/i,
  rgbcolor: /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/,
  ssn: /^\d{3}[- ]?\d{2}[- ]?\d{4}$/,
  uri: isUri,
  uuid,
  uuid3: uuidOf('3'),
  uuid4: uuidOf('4'),
  uuid5: uuidOf('5'),
  k8sshortname: /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
  k8slongname: (text) => text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text),
};

/** Whether values of a schema with that type may be asked for that format: others say nothing. `type`: empty where it is open. */
export function knownFormat(format: string, type: string): boolean {
  if (type === 'integer') return format === 'int32' || format === 'int64';
  if (type === 'number') return format === 'float' || format === 'double';
  return (type === '' || type === 'string') && Object.hasOwn(tests, normalName(format));
}

/** Dashes in the name of a format say nothing. */
const normalName = (format: string): string => format.replaceAll('-', '');

/** Whether the text is of that format, or the format is not known. Longer texts than any format needs are refused. */
export function hasFormat(text: string, format: string): boolean {
  const name = normalName(format);
  const test = Object.hasOwn(tests, name) ? tests[name] : undefined;
  if (test === undefined) return true;
  if (text.length > 4096 && format !== 'byte') return false;
  return typeof test === 'function' ? test(text) : test.test(text);
}
