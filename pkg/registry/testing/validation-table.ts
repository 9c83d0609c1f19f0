/**
 * For tests of rules: an object in, what the server would say out, as `field: message`. Nothing is stored: an object
 * is brought into the shape of its type, prepared and defaulted as a create would, and looked at.
 */
import assert from 'node:assert/strict';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { pruneToSchema } from '../../runtime/prune.ts';
import { builtinSchema } from '../../runtime/schema.ts';
import { copyValue } from '../../runtime/values.ts';
import type { ResourceDeclaration } from '../contract.ts';
import { builtinDeclarations } from '../declarations.ts';
import type { Raw } from '../raw.ts';
import type { StrategyContext } from '../resource.ts';
import { groupByStorage } from '../storage-groups.ts';
import { strategyOf } from '../strategies/strategies.ts';
import { defaultObject, validateTypes, validateTypesAgain } from '../typing.ts';

const declarations = builtinDeclarations(() => []);

export function declarationOf(apiVersion: unknown, kind: unknown): ResourceDeclaration {
  const found = declarations.find(
    (one) => one.kind === kind && (one.group === '' ? one.version : `${one.group}/${one.version}`) === apiVersion,
  );
  assert.ok(found, `there is no ${String(kind)} in ${String(apiVersion)}`);
  return found;
}

/** One of every kind: the version that is stored, which comes first where there are several. */
export function storedDeclarations(): ResourceDeclaration[] {
  return groupByStorage(declarations).map((served) => served[0] as ResourceDeclaration);
}

/** Whether it is of a kind of Kubernetes' own. */
export function isBuiltin({ apiVersion, kind }: Draft): boolean {
  const [group, version] = String(apiVersion).includes('/') ? String(apiVersion).split('/') : ['', apiVersion];
  return declarations.some((one) => one.kind === kind && one.group === group && one.version === version);
}

/** What a client is told of an object that is taken. */
export function warningsAbout(draft: Draft, old?: Draft): string[] {
  const { declaration, object } = prepared(draft);
  return strategyOf(declaration.group, declaration.resource).warnings?.(object, old && prepared(old).object, '') ?? [];
}

/** As it stands in a test: `{ apiVersion, kind, ... }`. What `metadata` leaves out is filled in. */
export type Draft = Readonly<Record<string, unknown>>;

/** With server-set fields, pruned and defaulted. */
export function prepared(draft: Draft): { readonly declaration: ResourceDeclaration; readonly object: Raw } {
  const declaration = declarationOf(draft['apiVersion'], draft['kind']);
  const metadata = { name: 'x', uid: 'u', ...(declaration.namespaced ? { namespace: 'default' } : {}), ...(draft['metadata'] as object) };
  const { value, unknown } = pruneToSchema(copyValue({ ...draft, metadata }), builtinSchema(declaration.definition));
  assert.deepEqual(unknown, [], `fields that ${declaration.kind} does not have`);
  defaultObject(declaration, value);
  strategyOf(declaration.group, declaration.resource).prepareCreate?.(value, {
    now: 0,
    context: { user: { name: 'test', groups: [] } },
  } as unknown as StrategyContext);
  return { declaration, object: value };
}

const said = (causes: readonly StatusCause[]): string[] => causes.map(({ field, message }) => `${field}: ${message}`);

/** Resolves when what the checks of it need has been loaded. */
export async function loadRules(draft: Draft): Promise<void> {
  const { declaration, object } = prepared(draft);
  await strategyOf(declaration.group, declaration.resource).prepareValidation?.(object);
}

/** What is wrong with creating it. */
export function refusals(draft: Draft): string[] {
  const { declaration, object } = prepared(draft);
  const strategy = strategyOf(declaration.group, declaration.resource);
  return said([
    ...validateTypes(declaration, object),
    ...(strategy.validate?.(object) ?? []),
    ...(strategy.validateCreate?.(object) ?? []),
  ]);
}

/** What is wrong with writing `next` in place of `old`. */
export function updateRefusals(old: Draft, next: Draft, subresource = ''): string[] {
  const { declaration, object } = prepared(next);
  const before = prepared(old).object;
  const strategy = strategyOf(declaration.group, declaration.resource);
  return said([
    ...validateTypesAgain(declaration, object, { old: before, subresource }),
    ...(strategy.validateUpdate?.(object, before, subresource) ?? []),
  ]);
}

/** A change to a draft, by dotted paths; undefined takes a field away. */
export function having(draft: Draft, changes: Readonly<Record<string, unknown>>): Draft {
  const copy = copyValue(draft) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.');
    const last = keys.pop() as string;
    let at: Record<string, unknown> = copy;
    for (const key of keys) {
      at[key] ??= {};
      at = at[key] as Record<string, unknown>;
    }
    if (value === undefined) delete at[last];
    else at[last] = value;
  }
  return copy;
}

/** One line of a table: what it shows, the object, and all that is said of it. */
export type Case = readonly [what: string, draft: Draft, said: readonly string[]];

export async function checkTable(table: readonly Case[]): Promise<void> {
  for (const [what, draft, expected] of table) {
    const { declaration, object } = prepared(draft);
    await strategyOf(declaration.group, declaration.resource).prepareValidation?.(object);
    assert.deepEqual(refusals(draft), expected, what);
  }
}
