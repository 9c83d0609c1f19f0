/**
 * How large the program of a regular expression becomes, at most: counted repetition writes its operand out as often as
 * it says, so a short pattern may make a long program. Looked at before anything is compiled.
 */
export function programSize(pattern: string): number {
  /** Of the groups that are open: what they hold so far. */
  const outer: number[] = [];
  let size = 0;
  /** What a repetition would repeat. */
  let last = 0;
  const add = (more: number): void => {
    last = more;
    size += more;
  };
  for (const token of pattern.matchAll(tokens)) {
    const [text, from, comma, to] = token;
    if (from !== undefined) {
      const times = Math.max(1, Number(to || from) + (comma !== undefined && !to ? 1 : 0));
      size += last * (times - 1) + 2 * times;
      last = (last + 2) * times;
    } else if (text === '(') {
      outer.push(size);
      size = 4;
      last = 0;
    } else if (text === ')') {
      const group = size;
      size = outer.pop() ?? 0;
      add(group);
    } else if (/^[*+?|]$/.test(text)) {
      // An alternative may be empty, which is an instruction too.
      size += 3;
      last += 3;
    } else {
      add(1);
    }
  }
  return outer.reduce((sum, one) => sum + one, size);
}

/** Counted repetition, an escape, a class, a character. */
const tokens = /\{(\d+)(,)?(\d*)\}|\\(?:[pP]\{[^}]*\}|.)|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\]|./gs;
