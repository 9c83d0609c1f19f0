/** What the compiler has to say about an expression, with the place it points to. */
export interface Issue {
  /** In UTF-16 units from the start of the source. */
  readonly at: number;
  readonly message: string;
}

/** As cel-go prints it: line and column, the line itself and an arrow. */
export function renderIssues(source: string, issues: readonly Issue[]): string {
  return [...issues]
    .sort((a, b) => a.at - b.at)
    .map((issue) => renderIssue(source, issue))
    .join('\n');
}

/** Longer lines are not shown. */
const maxSnippet = 16_384;

function renderIssue(source: string, { at, message }: Issue): string {
  const lineStart = source.lastIndexOf('\n', at - 1) + 1;
  const lineEnd = source.indexOf('\n', lineStart);
  const line = source.slice(0, lineStart).split('\n').length;
  // Columns count characters.
  const before = [...source.slice(lineStart, at)];
  const head = `ERROR: <input>:${line}:${before.length + 1}: ${message}`;
  const text = source.slice(lineStart, lineEnd < 0 ? source.length : lineEnd).replaceAll('\t', ' ');
  if (text.length > maxSnippet) return head;
  const dots = before.map((char) => (isWide(char) ? '\uff0e' : '.')).join('');
  const arrow = isWide(String.fromCodePoint(source.codePointAt(at) ?? 0x20)) ? '\uff3e' : '^';
  return `${head}\n | ${text}\n | ${dots}${arrow}`;
}

const isWide = (char: string): boolean => (char.codePointAt(0) ?? 0) > 0x7f;
