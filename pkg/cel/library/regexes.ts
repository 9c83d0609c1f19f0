/** Regular expressions: `matches`, and Kubernetes' `find` and `findAll`. */
import { matching } from '../types/cost-rule.ts';
import type { Budget } from '../values/budget.ts';
import { compileRegex } from '../values/regex.ts';
import { ArrayList, CelError } from '../values/value.ts';
import { f, m, type Overload } from './overload.ts';

const matches = (args: readonly [string, string], budget: Budget): boolean => compileRegex(args[1], budget).test(args[0], budget);

export const regexes: readonly Overload[] = [
  f('matches', '(string, string) -> bool', matches, matching()),
  m('matches', '(string, string) -> bool', matches, matching()),
  m(
    'find',
    '(string, string) -> string',
    (args: readonly [string, string], budget) => {
      const found = legal(args[1], budget).find(args[0], 0, budget);
      return found ? args[0].slice(...found) : '';
    },
    matching({ found: true }),
  ),
  m(
    'findAll',
    '(string, string) -> list(string)',
    (args: readonly [string, string], budget) => findAll(args[0], args[1], { limit: -1n, budget }),
    matching({ found: true }),
  ),
  m(
    'findAll',
    '(string, string, int) -> list(string)',
    (args: readonly [string, string, bigint], budget) => findAll(args[0], args[1], { limit: args[2], budget }),
    matching({ found: true }),
  ),
];

function legal(pattern: string, budget: Budget): ReturnType<typeof compileRegex> {
  try {
    return compileRegex(pattern, budget);
  } catch (cause) {
    if (!(cause instanceof CelError)) throw cause;
    throw new CelError(`Illegal regex: ${cause.message}`, { cause });
  }
}

/** A negative limit is none. An empty match next to the one before it does not count. */
function findAll(text: string, pattern: string, { limit, budget }: { limit: bigint; budget: Budget }): ArrayList {
  const regex = legal(pattern, budget);
  const found: string[] = [];
  let at = 0;
  let last = -1;
  while (at <= text.length && (limit < 0n || found.length < limit)) {
    const match = regex.find(text, at, budget);
    if (!match) break;
    const [start, end] = match;
    if (end > start || start !== last) found.push(text.slice(start, end));
    last = end;
    at = end > start ? end : end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1);
  }
  return new ArrayList(found);
}
