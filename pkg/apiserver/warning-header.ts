/** Warnings as one `Warning` header: `299 - "unknown field \"spec.foo\""`, several joined by commas (RFC 7234, 5.5). */
export function warningHeader(warnings: Iterable<string>): string {
  const parts: string[] = [];
  let size = 0;
  for (const text of warnings) {
    const part = `299 - "${printable(text).replace(/[\\"]/g, '\\$&')}"`;
    size += part.length + 2;
    // Headers are bounded on both sides; the first warnings say enough.
    if (size > maxSize) break;
    parts.push(part);
  }
  return parts.join(', ');
}

/** Kubernetes' own bound on all warnings of one answer. */
const maxSize = 4096;

/** A header holds visible ASCII: the rest is shown as escapes. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`);
}
