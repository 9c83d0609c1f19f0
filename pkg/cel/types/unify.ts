/** Whether a value of one type may stand where another is asked for, and what that says about type variables. */
import { type CelType, isDynamic, isExactly, resolve, type TypeVariable } from './cel-type.ts';

/** What was bound, and to what before, so that it can be undone. */
export type Trail = { readonly variable: TypeVariable; readonly before: CelType | undefined }[];

export function undo(trail: Trail, to = 0): void {
  for (const { variable, before } of trail.splice(to).reverse()) variable.bound = before;
}

/** On failure everything that was bound on the way is unbound again. */
export function assign(to: CelType, from: CelType, trail: Trail): boolean {
  const mark = trail.length;
  if (unify(to, from, trail)) return true;
  undo(trail, mark);
  return false;
}

function unify(to: CelType, from: CelType, trail: Trail): boolean {
  if (to === from) return true;
  if (from.kind === 'variable') return unifyVariable(from, to, (type) => unify(to, type, trail), trail);
  if (to.kind === 'variable') return unifyVariable(to, from, (type) => unify(type, from, trail), trail);
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

/** What is bound already widens where the other type takes it in. */
function unifyVariable(variable: TypeVariable, other: CelType, fits: (type: CelType) => boolean, trail: Trail): boolean {
  const { bound } = variable;
  if (!bound) return resolve(other) === variable || bind(variable, other, trail);
  if (!fits(bound)) return false;
  const type = resolve(other);
  if (type.kind !== 'variable' && !isExactly(bound, type) && takesIn(type, bound)) return bind(variable, type, trail);
  return true;
}

function bind(variable: TypeVariable, type: CelType, trail: Trail): boolean {
  if (occurs(variable, type)) return false;
  trail.push({ variable, before: variable.bound });
  variable.bound = type;
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
  return takesIn(a, b) ? a : b;
}

function takesIn(unresolvedA: CelType, unresolvedB: CelType): boolean {
  const [a, b] = [resolve(unresolvedA), resolve(unresolvedB)];
  if (a.kind === 'dyn' || a.kind === 'variable') return true;
  if (a.kind === 'list' && b.kind === 'list') return takesIn(a.element, b.element);
  if (a.kind === 'map' && b.kind === 'map') return takesIn(a.key, b.key) && takesIn(a.value, b.value);
  if (a.kind === 'optional' && b.kind === 'optional') return takesIn(a.value, b.value);
  return isExactly(a, b);
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
