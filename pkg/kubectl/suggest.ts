/** How many letters must be added, taken away, changed or swapped with their neighbour to make one of the other (Damerau-Levenshtein). */
export function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, i) => i)];
  const at = (i: number, j: number): number => rows[i]?.[j] as number;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1), at(i - 1, j) + 1, at(i, j - 1) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(i - 2, j - 2) + 1);
      rows[i]?.push(cost);
    }
  }
  return at(a.length, b.length);
}

/** The names that are nearest to what was typed, if any is near: at most a third of the letters wrong, or a common start. */
export function nearest(typed: string, names: readonly string[]): string[] {
  const lower = typed.toLowerCase();
  const ranked = names
    .map((name) => ({ name, away: name.toLowerCase().startsWith(lower) && lower.length > 1 ? 1 : distance(lower, name.toLowerCase()) }))
    .filter(({ name, away }) => away <= Math.max(1, Math.floor(Math.max(name.length, typed.length) / 3)))
    .sort((a, b) => a.away - b.away || (a.name < b.name ? -1 : 1));
  const best = ranked[0]?.away;
  return ranked.filter(({ away }) => away === best).map(({ name }) => name);
}

/** `\n\nDid you mean this?\n\tget`, or nothing. */
export function didYouMean(typed: string, names: readonly string[]): string {
  const found = nearest(typed, names);
  return found.length === 0 ? '' : `\n\nDid you mean this?\n${found.map((name) => `\t${name}`).join('\n')}`;
}
