import { stringifyJson } from './json.ts';

/** JSON with keys in order, as kubectl writes what it read without knowing its type. */
export function sortedJson(value: unknown, indent = 0): string {
  return indent === 0 ? stringifyJson(sorted(value)) : indented(sorted(value), ' '.repeat(indent), '');
}

export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, field]) => [key, sorted(field)]),
  );
}

/** By hand, since JSON.stringify with an indent does not know of numbers beyond 2^53. */
function indented(value: unknown, step: string, pad: string): string {
  if (typeof value !== 'object' || value === null) return stringifyJson(value);
  const inner = pad + step;
  if (Array.isArray(value)) {
    return value.length === 0 ? '[]' : `[\n${value.map((item) => inner + indented(item, step, inner)).join(',\n')}\n${pad}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  return `{\n${entries.map(([key, field]) => `${inner}${JSON.stringify(key)}: ${indented(field, step, inner)}`).join(',\n')}\n${pad}}`;
}
