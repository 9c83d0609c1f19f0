/** Whether a value of one type may stand where another is asked for, and what that says about type variables. */
import { type CelType, isDynamic, resolve, type TypeVariable } from './cel-type.ts';

/** What was bound, so that it can be undone. */
export type Trail = TypeVariable[];

export function undo(trail: Trail, to = 0): void {
  for (const variable of trail.splice(to)) variable.bound = undefined;
}

/** On failure everything that was bound on the way is unbound again. */
export function assign(to: CelType, from: CelType, trail: Trail): boolean {
  const mark = trail.length;
  if (unify(to, from, trail)) return true;
  undo(trail, mark);
  return false;
}

function unify(unresolvedTo: CelType, unresolvedFrom: CelType, trail: Trail): boolean {
  const to = resolve(unresolvedTo);
  const from = resolve(unresolvedFrom);
  if (to === from) return true;
  if (from.kind === 'variable') return bind(from, to, trail);
  if (to.kind === 'variable') return bind(to, from, trail);
  if (isDynamic(to) || isDynamic(from)) return true;
  if (to.kind === 'null') return isNullable(from);
  if (from.kind === 'null') return isNullable(to);
  if (to.kind === 'list') return from.kind === 'list' && unify(to.element, from.element, trail);
  if (to.kind === 'map') return from.kind === 'map' && unify(to.key, from.key, trail) && unify(to.value, from.value, trail);
  if (to.kind === 'optional') return from.kind === 'optional' && unify(to.value, from.value, trail);
  if (to.kind === 'opaque') return from.kind === 'opaque' && to.name === from.name;
  if (to.kind === 'object') return false;
  return to.kind === from.kind;
}

function bind(variable: TypeVariable, type: CelType, trail: Trail): boolean {
  if (occurs(variable, type)) return false;
  variable.bound = type;
  trail.push(variable);
  return true;
}

function occurs(variable: TypeVariable, unresolved: CelType): boolean {
  const type = resolve(unresolved);
  if (type === variable) return true;
  if (type.kind === 'list') return occurs(variable, type.element);
  if (type.kind === 'map') return occurs(variable, type.key) || occurs(variable, type.value);
  return type.kind === 'optional' && occurs(variable, type.value);
}

function isNullable(type: CelType): boolean {
  return ['null', 'object', 'opaque', 'optional', 'duration', 'timestamp'].includes(type.kind);
}

/** The type of several: the one that takes in the other; undefined if neither does. */
export function join(a: CelType, b: CelType, trail: Trail): CelType | undefined {
  if (!assign(a, b, trail)) return undefined;
  return isMoreGeneral(b, a) ? b : a;
}

function isMoreGeneral(unresolvedA: CelType, unresolvedB: CelType): boolean {
  const [a, b] = [resolve(unresolvedA), resolve(unresolvedB)];
  if (isDynamic(a)) return !isDynamic(b);
  if (b.kind === 'null') return a.kind !== 'null';
  if (a.kind === 'list' && b.kind === 'list') return isMoreGeneral(a.element, b.element);
  if (a.kind === 'map' && b.kind === 'map') return isMoreGeneral(a.key, b.key) || isMoreGeneral(a.value, b.value);
  return false;
}

/** Once an expression is checked: what was never bound is dynamic. */
export function settle(unresolved: CelType): CelType {
  const type = resolve(unresolved);
  switch (type.kind) {
    case 'variable':
      return { kind: 'dyn' };
    case 'list':
      return { kind: 'list', element: settle(type.element) };
    case 'map':
      return { kind: 'map', key: settle(type.key), value: settle(type.value) };
    case 'optional':
      return { kind: 'optional', value: settle(type.value) };
    case 'type':
      return { kind: 'type', of: settle(type.of) };
    default:
      return type;
  }
}
