/** Tables as `kubectl get` prints them: three spaces between columns, at least six characters a column. */

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
export interface Table {
  readonly kind: 'Table';
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly columnDefinitions?: readonly ColumnDefinition[];
  readonly rows?: readonly TableRow[];
}
export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly priority?: number;
}
export interface TableRow {
  readonly cells: readonly unknown[];
  readonly object?: {
    readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  };
}

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Table';
}

export interface TableOptions {
  readonly wide: boolean;
  readonly headers: boolean;
  /** Begin each row with its namespace. */
  readonly namespaces: boolean;
  /** End each row with all labels. */
  readonly labels: boolean;
  /** A column for each of these labels. */
  readonly labelColumns: readonly string[];
  /** Written before each name: `pod/`. */
  readonly prefix?: string;
}

/** Rows of text: the header first, unless there is none. */
export function tableLines(table: Table, options: TableOptions): string[][] {
  const columns = (table.columnDefinitions ?? [])
    .map((column, at) => ({ ...column, at }))
    .filter(({ priority }) => options.wide || !priority);
  const lines: string[][] = [];
  if (options.headers) {
    lines.push([
      ...(options.namespaces ? ['NAMESPACE'] : []),
      ...columns.map(({ name }) => name.toUpperCase()),
      ...options.labelColumns.map((label) => (label.split('/').at(-1) ?? label).toUpperCase()),
      ...(options.labels ? ['LABELS'] : []),
    ]);
  }
  for (const row of table.rows ?? []) {
    const metadata = row.object?.metadata;
    const labels = metadata?.labels ?? {};
    lines.push([
      ...(options.namespaces ? [metadata?.namespace ?? ''] : []),
      ...columns.map(({ at }, i) => (i === 0 ? (options.prefix ?? '') : '') + cellText(row.cells[at])),
      ...options.labelColumns.map((label) => labels[label] ?? ''),
      ...(options.labels ? [formatLabels(labels)] : []),
    ]);
  }
  return lines;
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '';
  const text = typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
  const end = text.search(/[\f\n\r]/);
  return end < 0 ? text : `${text.slice(0, end)}...`;
}

export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',');
}

/** Keeps its columns' widths from one call to the next, so that the rows of a watch stay in line. */
export class TablePrinter {
  readonly #widths: number[] = [];

  /** Text with a line break after each row; none for no rows. */
  format(lines: readonly (readonly string[])[]): string {
    for (const line of lines) {
      for (const [i, cell] of line.entries()) {
        // The last column ends the line, and needs no width.
        if (i < line.length - 1) this.#widths[i] = Math.max(this.#widths[i] ?? 6, [...cell].length + 3);
      }
    }
    const pad = (cell: string, i: number): string => cell + ' '.repeat(Math.max(0, (this.#widths[i] ?? 0) - [...cell].length));
    return lines.map((line) => `${line.map((cell, i) => (i < line.length - 1 ? pad(cell, i) : cell)).join('')}\n`).join('');
  }
}

export function formatTable(lines: readonly (readonly string[])[]): string {
  return new TablePrinter().format(lines);
}
