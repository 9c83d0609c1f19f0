import { alignTabs } from '../output/tab-writer.ts';

/** Collects a description: indented lines whose parts, separated by tabs, are brought into columns at the end. */
export class Lines {
  readonly #lines: string[] = [];

  /** One line, or several; `level` is the depth, two spaces each. */
  write(level: number, text: string): void {
    for (const line of text.split('\n')) this.#lines.push('  '.repeat(level) + line);
  }

  /** `Name:  value`. */
  field(name: string, value: unknown, level = 0): void {
    this.write(level, `${name}:\t${value ?? ''}`);
  }

  /** `Labels:  a=b` with the others below; `<none>` for none. */
  list(name: string, values: readonly string[], level = 0): void {
    this.field(name, values[0] ?? '<none>', level);
    for (const value of values.slice(1)) this.write(level, `\t${value}`);
  }

  toString(): string {
    return `${alignTabs(this.#lines.join('\n'))}\n`;
  }
}
