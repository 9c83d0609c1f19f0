/**
 * The formats that a custom resource's schema may ask of a text. An unknown format says nothing.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation
 */
import { byteLength } from '../api/qualified-name.ts';

const ipv4 = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/;

/** Zeros in front are read over, as programs of old wrote them. */
const isIpv4 = (text: string): boolean => ipv4.test(text.replace(/(^|\.)0+(?=\d)/g, '$1'));

/** An address of IPv6 in any of its forms, without a zone. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const dotted = last?.includes('.') ?? false;
  if (!text.includes(':') || (dotted && !ipv4.test(last ?? ''))) return false;
  const hex = dotted ? groups.slice(0, -1) : groups;
  const count = hex.length + (dotted ? 2 : 0);
  return hex.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) && (halves.length === 2 ? count < 8 : count === 8);
}

function isCidr(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^\d{1,9}$/.test(length)) return false;
  return isIpv4(address) ? Number(length) <= 32 : isIpv6(address) && Number(length) <= 128;
}

function isDate(text: string): boolean {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

function isDateTime(text: string): boolean {
  const match = /^(\d{4}-\d\d-\d\d)t(\d\d):(\d\d):(\d\d)(.\d+)?(z|[+-]\d\d:\d\d)$/i.exec(text);
  return match !== null && isDate(match[1] as string) && Number(match[2]) < 24 && Number(match[3]) < 60 && Number(match[4]) < 60;
}

const goDuration = /^[-+]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/;
const timeUnits = /^(ns|nano.*|us|µs|micro.*|ms|milli.*|s|sec.*|m|min.*|h|hr|hour.*|d|day.*|w|wk|week.*)$/;

/** As Go writes one, or any text that speaks of a number of hours or weeks somewhere. */
function isDuration(text: string): boolean {
  if (goDuration.test(text)) return true;
  for (const [, unit = ''] of text.matchAll(/\d+\s*([A-Za-zµ]+)/g)) if (timeUnits.test(unit.toLowerCase())) return true;
  return false;
}

const hostLetter = '[0-9\\p{L}\\p{S}]';
const hostLabel = new RegExp(`^${hostLetter}-?${hostLetter}{0,62}$`, 'u');
const hostName = new RegExp(`^(${hostLetter}([-0-9\\p{L}\\p{S}]{0,61}${hostLetter})?\\.)+\\p{L}{2,63}$`, 'u');

function isHostname(text: string): boolean {
  return (
    (hostLabel.test(text) || hostName.test(text)) && byteLength(text) <= 255 && text.split('.').every((part) => byteLength(part) <= 63)
  );
}

const creditCard = /^(4\d{12}(\d{3})?|5[1-5]\d{14}|6(011|5\d\d)\d{12}|3[47]\d{13}|3(0[0-5]|[68]\d)\d{11}|(2131|1800|35\d{3})\d{11})$/;

/** With a check digit after Luhn. */
function isCreditCard(text: string): boolean {
  const digits = text.replace(/\D+/g, '');
  if (!creditCard.test(digits)) return false;
  const worth = [...digits].reverse().map((digit, i) => Number(digit) * (i % 2 === 1 ? 2 : 1));
  return worth.reduce((sum, each) => sum + (each > 9 ? each - 9 : each), 0) % 10 === 0;
}

const isbnDigits = (text: string): string => text.replace(/[\s-]+/g, '');

function isIsbn10(text: string): boolean {
  const digits = isbnDigits(text);
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  return [...digits].reduce((sum, digit, i) => sum + (i + 1) * (digit === 'X' ? 10 : Number(digit)), 0) % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = isbnDigits(text);
  return /^\d{13}$/.test(digits) && [...digits].reduce((sum, digit, i) => sum + Number(digit) * (i % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

function isUri(text: string): boolean {
  return text.startsWith('/') || URL.canParse(text);
}

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const uuidOf = (version: string, variant = '[0-9a-f]') =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, 'i');
const channel = '\\s*(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])\\s*';

const tests: Readonly<Record<string, RegExp | ((text: string) => boolean)>> = {
  bsonobjectid: /^[0-9a-f]{24}$/i,
  byte: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/,
  cidr: isCidr,
  creditcard: isCreditCard,
  date: isDate,
  datetime: isDateTime,
  duration: isDuration,
  email: /^([^<>]*<)?([^\s@<>()[\]\\,;:"]+|"[^"]*")@[^\s@<>()[\]\\,;:"]+(?:(?<=<[^<]*)>|(?<!<[^<]*))$/,
  hexcolor: /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i,
  hostname: isHostname,
  ipv4: (text) => text.includes('.') && (isIpv4(text) || isIpv6(text)),
  ipv6: isIpv6,
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  mac: /^([0-9a-f]{2}([:-]))([0-9a-f]{2}\2){4,18}[0-9a-f]{2}$|^([0-9a-f]{4}\.){2,9}[0-9a-f]{4}$|^([0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{40})$/i,
  password: () => true,
  rgbcolor: new RegExp(`^rgb\\(${channel},${channel},${channel}\\)$`),
  ssn: /^(?=.{11}$)\d{3}[- ]?\d{2}[- ]?\d{4}$/,
  uri: isUri,
  uuid,
  uuid3: uuidOf('3'),
  uuid4: uuidOf('4', '[89ab]'),
  uuid5: uuidOf('5', '[89ab]'),
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
