/** Names around devices: of pools, attributes and shares, and settings that only a driver understands. */
import { invalidField, requiredField, tooLongField } from '../../runtime/field-errors.ts';
import { stringifyJson } from '../../runtime/json.ts';
import { isObject, objectAt, type Raw, text } from '../raw.ts';
import { cIdentifier, dnsSubdomain, type NameCheck } from './names.ts';
import { both, noLongerThan, object, present, type Rule, strictName } from './rules.ts';
import { driverName } from './storage-classes.ts';
import { below, type Report, type Validator } from './validator.ts';

const maxPoolName = 253;
export const poolName: Rule = (value, path, report) => {
  const name = text(value);
  if (name === '') {
    report(requiredField(path));
    return;
  }
  if (name.length > maxPoolName) report(tooLongField(path, maxPoolName));
  for (const part of name.split('/')) strictName(dnsSubdomain)(part, path, report);
};

const maxIdentifier = 32;
const identifier = both(noLongerThan(maxIdentifier), strictName(cIdentifier));

/** An attribute's name: a driver's domain, where it is not the driver's own, and an identifier. */
export const attributeName: Rule = (value, path, report) => {
  const [first = '', second, ...more] = text(value).split('/');
  if (second === undefined) identifier(first, path, report);
  if (second === undefined || more.length > 0) return;
  if (first === '') report(invalidField(path, '', 'the domain must not be empty'));
  else driverName(first, path, report);
  if (second === '') report(invalidField(path, '', 'the name must not be empty'));
  else identifier(second, path, report);
};

export const fullAttributeName: Rule = (value, path, report) => {
  attributeName(value, path, report);
  if (!text(value).includes('/')) {
    report(invalidField(path, value, 'a fully qualified name must be a domain and a name separated by a slash'));
  }
};

/** As long as the key of a map is, it is shown up to here. */
const maxShownKey = 63 + 1 + maxIdentifier;

/** Each entry of a map: its key by one rule, which Kubernetes reports of the map, and what is under it. */
export function entries(key: Rule, each?: (value: Raw, path: string, report: Report) => void, shown = maxShownKey): Rule {
  return (value, path, report) => {
    for (const [name, entry] of Object.entries(objectAt(value))) {
      key(name, path, report);
      each?.(objectAt(entry), `${path}[${shortened(name, shown)}]`, report);
    }
  };
}

function shortened(key: string, max: number): string {
  if (key.length <= max) return key;
  const half = (max - 3) / 2;
  return `${key.slice(0, Math.ceil(half))}...${key.slice(key.length - Math.floor(half))}`;
}

/** JSON of somebody else's. */
export function jsonObject(maxLength: number): Rule {
  return (value, path, report) => {
    if (value === undefined || value === null) report(requiredField(path));
    else if (stringifyJson(value).length > maxLength) report(tooLongField(path, maxLength));
    else if (!isObject(value)) report(invalidField(path, '<value omitted>', 'must be a valid JSON object'));
  };
}

/** 10 KiB. */
const maxParameters = 10 * 1024;
const parameters = jsonObject(maxParameters);
export const deviceConfig: Validator = (config, path, report) => {
  const at = below(path, 'opaque');
  present()(config['opaque'], at, report);
  object((opaque, where) => {
    driverName(opaque['driver'], below(where, 'driver'), report);
    parameters(opaque['parameters'], below(where, 'parameters'), report);
  })(config['opaque'], at, report);
};

const uuid = /^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$/;
const lengths = [32, 36, 38, 45];
export const shareId: NameCheck = (id) => {
  if (!lengths.includes(id.length)) return [`error validating uid: invalid UUID length: ${id.length}`];
  if (id.length === 36 && !uuid.test(id)) return ['error validating uid: invalid UUID format'];
  return id.length === 36 && id === id.toLowerCase()
    ? []
    : ['uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters'];
};
