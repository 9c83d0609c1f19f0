/** Ranges of a job's indexes as text: `0,3-5,7`. */

/** How many indexes the text names, below `completions`; or what is wrong with it. */
export function indexesOf(ranges: string, completions: number): number | string {
  if (ranges === '') return 0;
  let total = 0;
  let last: number | undefined;
  for (const range of ranges.split(',')) {
    const ends = range.split('-');
    if (ends.length > 2) {
      return `the fragment ${JSON.stringify(range)} violates the requirement that an index interval can have at most two parts separated by '-'`;
    }
    const [from, to = from] = ends.map((end) => indexOf(end, completions)) as [number | string, (number | string)?];
    if (typeof from === 'string') return from;
    if (typeof to === 'string') return to;
    if (ends.length === 2 && from >= to) return `non-increasing order, previous: ${from}, current: ${to}`;
    if (last !== undefined && last >= from) return `non-increasing order, previous: ${last}, current: ${from}`;
    total += to - from + 1;
    last = to;
  }
  return total;
}

/** The first index that both texts name; what cannot be read names none. */
export function commonIndex(one: string, other: string, completions: number): number | undefined {
  const spans = (ranges: string): [number, number][] =>
    ranges.split(',').flatMap((range) => {
      const [from, to = from] = range.split('-').map((end) => indexOf(end, completions));
      return typeof from === 'number' && typeof to === 'number' ? [[from, to]] : [];
    });
  const found = spans(one).flatMap(([from, to]) =>
    spans(other).flatMap(([start, end]) => (from <= end && start <= to ? [Math.max(from, start)] : [])),
  );
  return found.length > 0 ? Math.min(...found) : undefined;
}

function indexOf(given: string, completions: number): number | string {
  if (!/^\d+$/.test(given)) return `cannot convert string to integer for index: ${JSON.stringify(given)}`;
  const index = Number(given);
  return index >= completions ? `too large index: ${JSON.stringify(given)}` : index;
}
