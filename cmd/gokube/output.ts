import { Option } from 'commander';
import { stringify } from 'yaml';

export type OutputFormat = 'json' | 'yaml' | 'wide' | 'name';

export function outputFlag(): Option {
  return new Option('-o, --output <format>', 'how to print').choices(['json', 'yaml', 'wide', 'name']);
}

/** A column: `wide` ones appear with -o wide only. */
export interface Column<T> {
  readonly title: string;
  readonly wide?: boolean;
  cell(row: T): string;
}

/** Prints rows in the form asked for; `name` gives what -o name prints. */
export function printRows<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  name: (row: T) => string,
  format: OutputFormat | undefined,
): void {
  switch (format) {
    case 'json':
      process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
      return;
    case 'yaml':
      process.stdout.write(stringify(rows));
      return;
    case 'name':
      for (const row of rows) process.stdout.write(`${name(row)}\n`);
      return;
    default: {
      const shown = columns.filter((column) => !column.wide || format === 'wide');
      const table = [shown.map((column) => column.title), ...rows.map((row) => shown.map((column) => column.cell(row)))];
      const widths = shown.map((_, at) => Math.max(...table.map((line) => (line[at] as string).length)));
      for (const line of table)
        process.stdout.write(
          `${line
            .map((cell, at) => cell.padEnd((widths[at] as number) + 3))
            .join('')
            .trimEnd()}\n`,
        );
    }
  }
}
