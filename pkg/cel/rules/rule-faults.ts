/**
 * What is wrong with the rules of a schema: how they are written, what they name, and what they may cost. A rule costs
 * its estimate times as often as it can run in one object, which limits on lists and maps above it bound.
 */
import type { JSONSchemaProps, ValidationRule } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { isSchema, maxRequestSize, type SchemaType, schemaType } from '../types/schema-type.ts';
import { compileRule, faultOf, programOf, ruleEnvironments } from './compile-rule.ts';
import { forbidden, invalid, notSupported, required } from './faults.ts';
import { resolveFieldPath } from './field-path.ts';
import { goRule } from './go-rule.ts';
import { perRuleEstimate, perSchemaEstimate } from './limits.ts';

export interface RuleCheckOptions {
  /**
   * Schemas at or below which something else is wrong: their rules are not looked at. Whoever says so has told how
   * rules are written (`writtenFaults`), too; otherwise that comes first.
   */
  readonly unsound?: ReadonlySet<JSONSchemaProps>;
}

/** All faults. `path`: of the schema, `spec.versions[0].schema.openAPIV3Schema`. */
export function ruleFaults(schema: JSONSchemaProps, path: string, { unsound }: RuleCheckOptions = {}): StatusCause[] {
  const check = new RuleCheck(unsound);
  check.node(schema, path, { cardinality: 1, resource: true });
  return [...check.written, ...check.meant, ...check.totals(path)];
}

interface Place {
  /** How often the schema can apply within one object; Infinity: nothing above bounds it. */
  readonly cardinality: number;
  readonly resource: boolean;
  /** Of the nearest list or map whose elements have no lasting identity: what is below has no old value. */
  readonly uncorrelatable?: string;
}

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const hasLineBreaks = (text: string): boolean => /[\n\r]/.test(text);

class RuleCheck {
  readonly written: StatusCause[] = [];
  readonly meant: StatusCause[] = [];
  readonly #unsound: ReadonlySet<JSONSchemaProps> | undefined;
  #total = 0;
  readonly #costs: { readonly path: string; readonly cost: number }[] = [];

  constructor(unsound: ReadonlySet<JSONSchemaProps> | undefined) {
    this.#unsound = unsound;
  }

  node(schema: JSONSchemaProps, path: string, place: Place): void {
    const before = this.written.length;
    this.#below(schema, path, place);
    const rules = schema['x-kubernetes-validations'] ?? [];
    if (rules.length === 0) return;
    const at = (index: number): string => `${path}.x-kubernetes-validations[${index}]`;
    if (!this.#unsound) for (const [index, rule] of rules.entries()) this.written.push(...writtenFaults(rule, schema, at(index)));
    // What is written wrong, here or below, makes for messages about types that would go away with it.
    if (this.written.length > before || this.#unsound?.has(schema)) return;
    const type = schemaType(schema, place.resource);
    if (!type) {
      this.meant.push({
        reason: 'InternalError',
        field: `${path}.x-kubernetes-validations`,
        message:
          'Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations',
      });
      return;
    }
    const environments = ruleEnvironments(type);
    rules.forEach((rule, index) => {
      const compiled = compileRule(rule, schema, environments);
      if (compiled) this.#rule(compiled, at(index), { type, place });
    });
  }

  #below(schema: JSONSchemaProps, path: string, place: Place): void {
    const { uncorrelatable = path, ...here } = place;
    const inherited = place.uncorrelatable === undefined ? {} : { uncorrelatable };
    const cardinality = times(place.cardinality, elementsOf(schema));
    const mapType = schema['x-kubernetes-map-type'];
    const fields = mapType === undefined || mapType === 'granular' || mapType === 'atomic' ? inherited : { uncorrelatable };
    if (isSchema(schema.additionalProperties)) {
      this.node(schema.additionalProperties, `${path}.additionalProperties`, {
        ...here,
        ...inherited,
        cardinality,
        resource: embedded(schema.additionalProperties),
      });
    }
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      this.node(property, `${path}.properties[${name}]`, { ...here, ...fields, cardinality, resource: embedded(property) });
    }
    if (isSchema(schema.items)) {
      const items = schema['x-kubernetes-list-type'] === 'map' ? inherited : { uncorrelatable };
      this.node(schema.items, `${path}.items`, { ...here, ...items, cardinality, resource: embedded(schema.items) });
    }
  }

  #rule(compiled: NonNullable<ReturnType<typeof compileRule>>, path: string, { type, place }: { type: SchemaType; place: Place }): void {
    const { rule } = compiled;
    const program = programOf(compiled.expression);
    const message = programOf(compiled.message);
    if (program) {
      const often = place.cardinality === Infinity ? Math.floor(maxRequestSize / (type.minSize + 1)) : place.cardinality;
      this.#charge(`${path}.rule`, 'estimated rule cost', times(program.estimatedCost, often));
    } else {
      this.meant.push(invalid(`${path}.rule`, goRule(rule), faultOf(compiled.expression) ?? ''));
    }
    const messageFault = faultOf(compiled.message);
    if (messageFault !== undefined) this.meant.push(invalid(`${path}.messageExpression`, goRule(rule), messageFault));
    if (message) this.#charge(`${path}.messageExpression`, 'estimated messageExpression cost', message.estimatedCost);
    if (compiled.usesOldSelf && place.uncorrelatable !== undefined) {
      const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable}`;
      this.meant.push(invalid(`${path}.rule`, rule.rule, detail));
    }
    if (!compiled.usesOldSelf && rule.optionalOldSelf !== undefined) {
      this.meant.push(invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'));
    }
  }

  #charge(path: string, what: string, cost: number): void {
    if (cost > perRuleEstimate) this.meant.push(forbidden(path, tooExpensive(what, cost, perRuleEstimate)));
    this.#total += cost;
    if (cost >= perSchemaEstimate / 100) this.#costs.push({ path, cost });
  }

  totals(path: string): StatusCause[] {
    if (this.#total <= perSchemaEstimate) return [];
    // Infinite costs are equal.
    const dearest = this.#costs.toSorted((a, b) => (a.cost === b.cost ? 0 : b.cost - a.cost)).slice(0, 4);
    return [
      ...dearest.map((one) =>
        forbidden(one.path, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'),
      ),
      forbidden(
        path,
        tooExpensive('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', this.#total, perSchemaEstimate),
      ),
    ];
  }
}

const embedded = (schema: JSONSchemaProps): boolean => schema['x-kubernetes-embedded-resource'] === true;
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

/** How often what is inside can stand in one such value. */
function elementsOf(schema: JSONSchemaProps): number {
  if (schema.type === 'array') return Math.max(0, schema.maxItems ?? Infinity);
  if (schema.type === 'object' && schema.additionalProperties !== undefined) return Math.max(0, schema.maxProperties ?? Infinity);
  return 1;
}

function tooExpensive(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

/** What is wrong with how a rule is written, whatever it means. */
export function writtenFaults(rule: ValidationRule, schema: JSONSchemaProps, path: string): StatusCause[] {
  const faults: StatusCause[] = [];
  const text = rule.rule.trim();
  const message = (rule.message ?? '').trim();
  if (text === '') faults.push(required(`${path}.rule`, 'rule is not specified'));
  else if (rule.message && message === '') faults.push(invalid(`${path}.message`, rule.message, 'must be non-empty if specified'));
  else if (hasLineBreaks(message)) faults.push(invalid(`${path}.message`, rule.message, 'must not contain line breaks'));
  else if (hasLineBreaks(text) && message === '')
    faults.push(required(`${path}.message`, 'message must be specified if rule contains line breaks'));
  if (rule.messageExpression && rule.messageExpression.trim() === '') {
    faults.push(required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'));
  }
  if (rule.reason !== undefined && !reasons.includes(rule.reason)) faults.push(notSupported(`${path}.reason`, rule.reason, reasons));
  if (rule.fieldPath) {
    if (rule.fieldPath.trim() === '') faults.push(invalid(`${path}.fieldPath`, rule.fieldPath, 'must be non-empty if specified'));
    if (hasLineBreaks(rule.fieldPath)) faults.push(invalid(`${path}.fieldPath`, rule.fieldPath, 'must not contain line breaks'));
    if (resolveFieldPath(rule.fieldPath, schema) === undefined)
      faults.push(invalid(`${path}.fieldPath`, rule.fieldPath, 'must be a valid path'));
  }
  return faults;
}
