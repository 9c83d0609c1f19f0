/**
 * The plain JSON paths by which a CustomResourceDefinition names fields: `.spec.replicas`, `.spec['a.b']`. They lead
 * from field to field, through no list.
 */
import { child, isObject, type Raw } from '../raw.ts';

/** The names along the path; undefined: it is no such path. */
export function parseSimplePath(path: string): readonly string[] | undefined {
  const names: string[] = [];
  let rest = path.startsWith('$') ? path.slice(1) : path;
  while (rest !== '') {
    const match = /^(?:\.([^.[\]'"]+)|\['([^']+)'\]|\["([^"]+)"\])/.exec(rest);
    if (!match) return undefined;
    names.push((match[1] ?? match[2] ?? match[3]) as string);
    rest = rest.slice(match[0].length);
  }
  return names.length > 0 ? names : undefined;
}

export function valueAt(object: Raw, names: readonly string[]): unknown {
  let value: unknown = object;
  for (const name of names) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return value;
}

/** Makes the objects on the way where they are missing. In place. */
export function setValueAt(object: Raw, names: readonly string[], value: unknown): void {
  const parents = names.slice(0, -1);
  const last = names.at(-1);
  if (last === undefined) return;
  let at = object;
  for (const name of parents) at = child(at, name);
  at[last] = value;
}
