/**
 * Values as YAML text in the style of Kubernetes' own tools: keys sorted, lists not indented below their key, text of
 * several lines as a block, quotes only where YAML 1.1 would read something else.
 */
import { isObject, type JsonObject } from './values.ts';
import { resolvePlain } from './yaml-scalar.ts';

/** One document, ending with a line break. Takes JSON values and bigints. */
export function formatYaml(value: unknown): string {
  const lines: string[] = [];
  if (isCollection(value)) writeCollection(lines, value, 0);
  else lines.push(scalarText(value, 0));
  return `${lines.join('\n')}\n`;
}

/** Whether it takes lines of its own; empty ones stand in the line as `{}` and `[]`. */
function isCollection(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  for (const _ in value) return true;
  return false;
}

function writeCollection(lines: string[], value: object, indent: number): void {
  const pad = ' '.repeat(indent);
  if (Array.isArray(value)) {
    for (const item of value) {
      if (isCollection(item)) {
        const start = lines.length;
        writeCollection(lines, item, indent + 2);
        lines[start] = `${pad}- ${(lines[start] as string).slice(indent + 2)}`;
      } else {
        lines.push(`${pad}- ${scalarText(item, indent + 2)}`);
      }
    }
    return;
  }
  const object = value as JsonObject;
  for (const key of Object.keys(object).sort()) {
    const item = object[key];
    const name = `${pad}${keyText(key)}:`;
    if (isCollection(item)) {
      lines.push(name);
      writeCollection(lines, item, Array.isArray(item) ? indent : indent + 2);
    } else {
      lines.push(`${name} ${scalarText(item, indent + 2)}`);
    }
  }
}

/** `indent`: of the lines of a block of text. */
function scalarText(value: unknown, indent: number): string {
  if (typeof value === 'string') return textOf(value, indent);
  if (Array.isArray(value)) return '[]';
  return isObject(value) ? '{}' : String(value ?? null);
}

function keyText(key: string): string {
  // YAML bounds the length of a key that is not announced by a question mark.
  if (key.length > 1000) return `? ${doubleQuoted(key)}\n`;
  return key.includes('\n') ? doubleQuoted(key) : textOf(key, 0);
}

const unprintable =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u0084\u0086-\u009f\u2028\u2029\ufeff\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** What other readers of YAML 1.1 would take for a time, or a day. */
const timestamp = /^\d{4}-\d\d?-\d\d?([Tt\s].*)?$/;

function textOf(text: string, indent: number): string {
  if (unprintable.test(text) || text.includes('\u0085')) return doubleQuoted(text);
  if (text.includes('\n')) return /^[ \n]|\t/.test(text) || indent === 0 ? doubleQuoted(text) : block(text, indent);
  if (
    typeof resolvePlain(text) !== 'string' ||
    text === '<<' ||
    text === '=' ||
    timestamp.test(text) ||
    /^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$/.test(text)
  )
    return doubleQuoted(text);
  return isPlain(text) ? text : `'${text.replaceAll("'", "''")}'`;
}

/** Whether the text can stand without quotes, not only as far as its meaning goes. */
function isPlain(text: string): boolean {
  if (/^[-?:](\s|$)/.test(text) || /^[,[\]{}#&*!|>'"%@`]/.test(text) || /^(---|\.\.\.)/.test(text)) return false;
  return !/^\s|\s$|:(\s|$)|\s#|\t/.test(text);
}

function block(text: string, indent: number): string {
  const keep = text.endsWith('\n\n') ? '+' : text.endsWith('\n') ? '' : '-';
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  const pad = ' '.repeat(indent);
  return `|${keep}\n${body
    .split('\n')
    .map((line) => (line === '' ? '' : pad + line))
    .join('\n')}`;
}

function doubleQuoted(text: string): string {
  // YAML understands JSON's escapes; what JSON leaves alone and YAML does not is escaped too.
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
