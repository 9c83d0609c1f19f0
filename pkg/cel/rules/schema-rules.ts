/**
 * The rules of a custom resource's schema, compiled once and run for every object. Where a rule compares with the old
 * value, it runs if there is one; what has not changed since the old object is only warned about.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
 */
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { escapeProperty } from '../types/property-name.ts';
import { isSchema, type SchemaType, schemaType } from '../types/schema-type.ts';
import { SharedBudget } from '../values/budget.ts';
import { type CompiledRule, compileRule, ruleEnvironments } from './compile-rule.ts';
import { Correlation } from './correlation.ts';
import { invalid } from './faults.ts';
import { perObjectBudget } from './limits.ts';
import { RuleRun } from './rule-run.ts';

export interface SchemaRules {
  /**
   * All violations, outer before inner. `old`: the object before an update. Pure and bounded: when the budget of the
   * object is spent, that is a violation and the last one. `warn` hears of violations in parts that have not changed.
   */
  validate(value: unknown, old?: unknown, warn?: (cause: StatusCause) => void): StatusCause[];
}

export interface RulePlace {
  /** Where the value stands; empty, the default, for the whole object. */
  readonly path?: string;
  /** Whether it is an object of its own, with a kind and a name. Default: true. */
  readonly resource?: boolean;
}

/** Undefined: there are no rules. Rules that do not compile are violations of every object. */
export function compileRules(schema: JSONSchemaProps, { path = '', resource = true }: RulePlace = {}): SchemaRules | undefined {
  const root = hasRules(schema) ? compileNode(schema, schemaType(schema, resource), resource) : undefined;
  if (!root) return undefined;
  return {
    validate: (value, old, warn) => {
      const run = new Run(warn);
      run.node(root, {
        value,
        old,
        path,
        ratchet: { current: old === undefined ? undefined : new Correlation(value, old, schema), ancestor: undefined },
      });
      return run.causes;
    },
  };
}

function hasRules(schema: JSONSchemaProps): boolean {
  return (
    (schema['x-kubernetes-validations'] ?? []).length > 0 ||
    Object.values(schema.properties ?? {}).some(hasRules) ||
    (isSchema(schema.items) && hasRules(schema.items)) ||
    (isSchema(schema.additionalProperties) && hasRules(schema.additionalProperties))
  );
}

/** A place in the schema with rules at it or below it. */
interface RuleNode {
  readonly schema: JSONSchemaProps;
  readonly type: SchemaType;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly additional: RuleNode | undefined;
  readonly items: RuleNode | undefined;
}

const embedded = (schema: JSONSchemaProps): boolean => schema['x-kubernetes-embedded-resource'] === true;

function compileNode(schema: JSONSchemaProps, type: SchemaType | undefined, resource: boolean): RuleNode | undefined {
  if (!type || !hasRules(schema)) return undefined;
  const environments = ruleEnvironments(type);
  const rules = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) => compileRule(rule, schema, environments) ?? []);
  const properties = new Map<string, RuleNode>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const escaped = escapeProperty(name);
    // What a resource says of itself is typed by the resource, not by its schema.
    const own = resource && ['apiVersion', 'kind', 'metadata'].includes(name) ? undefined : type.fields?.get(escaped ?? '')?.type;
    const node = compileNode(property, own ?? schemaType(property, embedded(property)), embedded(property));
    if (node) properties.set(name, node);
  }
  const inner = (below: unknown): RuleNode | undefined => (isSchema(below) ? compileNode(below, type.element, embedded(below)) : undefined);
  return { schema, type, rules, properties, additional: inner(schema.additionalProperties), items: inner(schema.items) };
}

interface Ratchet {
  readonly current: Correlation | undefined;
  /** The nearest part above that answers to an old one. */
  readonly ancestor: Correlation | undefined;
}

interface Visit {
  readonly value: unknown;
  /** What `oldSelf` is. */
  readonly old: unknown;
  readonly path: string;
  readonly ratchet: Ratchet;
}

const below = ({ current, ancestor }: Ratchet, child: (of: Correlation) => Correlation | undefined): Ratchet =>
  current ? { current: child(current), ancestor: current } : { current, ancestor };
const unchanged = ({ current, ancestor }: Ratchet): boolean => (current ?? ancestor)?.unchanged() === true;

class Run {
  readonly causes: StatusCause[] = [];
  readonly #warn: ((cause: StatusCause) => void) | undefined;
  readonly #budget = new SharedBudget(perObjectBudget);
  #over = false;

  constructor(warn: ((cause: StatusCause) => void) | undefined) {
    this.#warn = warn;
  }

  node(node: RuleNode, visit: Visit): void {
    // A null is the business of what holds it.
    if (this.#over || visit.value === null || visit.value === undefined) return;
    this.#rules(node, visit);
    if (this.#over) return;
    if (Array.isArray(visit.value)) this.#elements(node, visit, visit.value);
    else if (typeof visit.value === 'object') this.#fields(node, visit, visit.value as Readonly<Record<string, unknown>>);
  }

  #rules(node: RuleNode, { value, old, path, ratchet }: Visit): void {
    if (node.rules.length === 0) return;
    const at = new RuleRun({ value, old, type: node.type, path, kind: node.schema.type ?? '' });
    for (const compiled of node.rules) {
      if (compiled.usesOldSelf && (old === undefined || old === null) && compiled.rule.optionalOldSelf !== true) continue;
      if (this.#budget.remaining <= 0) {
        this.causes.push(at.outOfBudget());
        this.#over = true;
        return;
      }
      const outcome = at.run(compiled, this.#budget);
      for (const cause of outcome.causes) {
        if (outcome.violation && !compiled.usesOldSelf && unchanged(ratchet)) this.#warn?.(cause);
        else this.causes.push(cause);
      }
      if (outcome.over) {
        this.#over = true;
        return;
      }
    }
  }

  #elements(node: RuleNode, { old, path, ratchet }: Visit, value: readonly unknown[]): void {
    const { items } = node;
    if (!items) return;
    // Old elements are found by their keys, whatever the ratchet knows of this part.
    const correlation = ratchet.current ?? (Array.isArray(old) ? new Correlation(value, old, node.schema) : undefined);
    value.forEach((element, index) => {
      this.node(items, {
        value: element,
        old: correlation?.index(index)?.old,
        path: `${path}[${index}]`,
        ratchet: below(ratchet, (of) => of.index(index)),
      });
    });
  }

  #fields(node: RuleNode, { old, path, ratchet }: Visit, value: Readonly<Record<string, unknown>>): void {
    const oldFields = typeof old === 'object' && old !== null && !Array.isArray(old) ? (old as Readonly<Record<string, unknown>>) : {};
    const oldOf = (name: string): unknown => (Object.hasOwn(oldFields, name) ? oldFields[name] : undefined);
    const visit = (inner: RuleNode, name: string, innerPath: string): void =>
      this.node(inner, { value: value[name], old: oldOf(name), path: innerPath, ratchet: below(ratchet, (of) => of.key(name)) });
    for (const name of Object.keys(value)) {
      if (node.additional) visit(node.additional, name, path === '' ? name : `${path}[${name}]`);
      const property = node.properties.get(name);
      if (property) visit(property, name, path === '' ? name : `${path}.${name}`);
    }
  }
}

/** The words for objects that were not looked at, because validation by schema had refused them. */
export const rulesNotChecked: StatusCause = invalid(
  '<nil>',
  null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
);
