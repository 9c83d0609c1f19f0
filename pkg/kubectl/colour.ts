import type { KubectlIo } from './io.ts';

const codes = { error: '31', warning: '33', header: '1' } as const;

/** Colour only where a person looks at it, and never with NO_COLOR. Of an error, only its label is painted. */
export function paint(io: Pick<KubectlIo, 'isTerminal' | 'colour' | 'env'>, role: keyof typeof codes, text: string): string {
  if (!(io.colour ?? (io.isTerminal && !io.env?.['NO_COLOR']))) return text;
  const end = role === 'error' ? text.indexOf(':') + 1 : text.length;
  return `\u001b[${codes[role]}m${text.slice(0, end)}\u001b[0m${text.slice(end)}`;
}
