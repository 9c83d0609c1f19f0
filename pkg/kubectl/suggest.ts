/** How many letters must be added, taken away or changed to make one of the other (Levenshtein). */
export function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (above[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, (above[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    above = row;
  }
  return above[b.length] as number;
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
