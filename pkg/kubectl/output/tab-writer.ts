/**
 * Aligns text in columns: cells end with a tab, and a column is as wide as its widest cell in consecutive lines. This
 * is the elastic tab stops of Go's text/tabwriter, in which `kubectl describe` is written.
 */
export interface TabWriterOptions {
  readonly minWidth: number;
  readonly padding: number;
}

/** `describe` aligns with two spaces. */
export const describeTabs: TabWriterOptions = { minWidth: 0, padding: 2 };

export function alignTabs(text: string, { minWidth, padding }: TabWriterOptions = describeTabs): string {
  const lines = text.split('\n').map((line) => line.split('\t'));
  const out: string[] = [];
  const widths: number[] = [];
  const hasCell = (line: readonly string[], column: number): boolean => column < line.length - 1;

  const write = (from: number, to: number): void => {
    for (const line of lines.slice(from, to)) {
      out.push(line.map((cell, i) => (i < line.length - 1 && i < widths.length ? pad(cell, widths[i] as number) : cell)).join(''));
    }
  };
  const format = (from: number, to: number): void => {
    const column = widths.length;
    let start = from;
    for (let at = from; at < to; at++) {
      if (!hasCell(lines[at] as string[], column)) continue;
      write(start, at);
      const block = at;
      let width = minWidth;
      for (; at < to && hasCell(lines[at] as string[], column); at++)
        width = Math.max(width, displayWidth((lines[at] as string[])[column] as string) + padding);
      widths.push(width);
      format(block, at);
      widths.pop();
      start = at;
    }
    write(start, to);
  };
  format(0, lines.length);
  return out.join('\n');
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/** In characters, as text/tabwriter counts: code points. */
function displayWidth(text: string): number {
  return [...text].length;
}
