/** Named formats: `!format.dns1123Label().validate(self.name).hasValue()`. */
import { dns1035Label, dnsLabel, dnsSubdomain, labelValue, type NameCheck, qualifiedName } from '../../api/qualified-name.ts';
import { opaque } from '../types/cel-type.ts';
import { type CostRule, perCharacter } from '../types/cost-rule.ts';
import { decodeBase64 } from '../values/base64.ts';
import { sizeOf } from '../values/size.ts';
import { parseDate, parseTimestamp } from '../values/time.ts';
import { ArrayList, CelError, none, OpaqueValue, OptionalValue } from '../values/value.ts';
import { f, m, type Overload } from './overload.ts';
import { urlFault } from './urls.ts';

class FormatValue extends OpaqueValue {
  readonly type = opaque('kubernetes.NamedFormat');
  readonly name: string;
  readonly format: Format;
  constructor(name: string, format: Format) {
    super();
    this.name = name;
    this.format = format;
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof FormatValue && other.name === this.name;
  }
}

interface Format {
  readonly check: NameCheck;
  /** How long the regular expression is that the costs suppose. */
  readonly pattern: number;
}

/** A name that ends in `-` is to be completed. */
const prefix =
  (check: NameCheck): NameCheck =>
  (text) =>
    check(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -1)}a` : text);

const parsed =
  (parse: (text: string) => unknown, otherwise: string): NameCheck =>
  (text) => {
    try {
      parse(text);
      return [];
    } catch (error) {
      if (error instanceof CelError) return [otherwise];
      throw error;
    }
  };

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

const formats: Readonly<Record<string, Format>> = {
  dns1123Label: { check: dnsLabel, pattern: 30 },
  dns1123Subdomain: { check: dnsSubdomain, pattern: 60 },
  dns1035Label: { check: dns1035Label, pattern: 30 },
  qualifiedName: { check: qualifiedName, pattern: 60 },
  dns1123LabelPrefix: { check: prefix(dnsLabel), pattern: 30 },
  dns1123SubdomainPrefix: { check: prefix(dnsSubdomain), pattern: 60 },
  dns1035LabelPrefix: { check: prefix(dns1035Label), pattern: 30 },
  labelValue: { check: labelValue, pattern: 40 },
  uri: {
    check: (text) => {
      const fault = urlFault(text);
      return fault === undefined ? [] : [`parse ${JSON.stringify(text)}: ${fault}`];
    },
    pattern: 1000,
  },
  uuid: { check: (text) => (uuid.test(text) ? [] : ['does not match the UUID format']), pattern: 100 },
  byte: { check: parsed(decodeBase64, 'invalid base64'), pattern: 100 },
  date: { check: parsed(parseDate, 'invalid date'), pattern: 100 },
  datetime: { check: parsed(parseTimestamp, 'invalid datetime'), pattern: 100 },
};

const type = 'kubernetes.NamedFormat';
const values = new Map(Object.entries(formats).map(([name, format]) => [name, new FormatValue(name, format)]));

const validation: CostRule = {
  actual: ([format, text]) => {
    const pattern = format instanceof FormatValue ? format.format.pattern : 128;
    return Math.ceil((1 + sizeOf(text ?? '')) * perCharacter) * Math.ceil(pattern * 0.25);
  },
  // The longest pattern that a name may have is 128 characters.
  estimate: ([, text]) => ({ cost: Math.ceil((text?.size.max ?? Infinity) * perCharacter) * 32 }),
};

export const namedFormats: readonly Overload[] = [
  ...[...values].map(([name, format]) => f(`format.${name}`, `() -> ${type}`, () => format)),
  f('format.named', `string -> optional(${type})`, (args: readonly [string]) => {
    const format = values.get(args[0]);
    return format ? new OptionalValue(format) : none;
  }),
  m(
    'validate',
    `(${type}, string) -> optional(list(string))`,
    (args: readonly [FormatValue, string]) => {
      const reasons = args[0].format.check(args[1]);
      return reasons.length === 0 ? none : new OptionalValue(new ArrayList(reasons));
    },
    validation,
  ),
];
