/** What `make bench` prints of a measurement: a figure, what it is compared with, their ratio and the one that is wanted. */
export interface BenchRow {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  /** What it is compared with; absent where there is none. */
  readonly reference: number | undefined;
  readonly referenceName: string;
  /** Of the figure to its reference, or the other way round where less is better; absent without one. */
  readonly ratio: number | undefined;
  /** The ratio that is wanted: at least this, or `atMost`. */
  readonly wanted: number;
  readonly atMost?: boolean;
  /** Why there is no reference. */
  readonly missing?: string;
  /** What the figure says nothing of: the processor's share, the spread. */
  readonly details?: Readonly<Record<string, number>>;
}

const noEtcd = 'not measured, no etcd: apt-get install etcd-server';

export function formatRows(rows: readonly BenchRow[]): string {
  const number = (n: number | undefined): string => (n === undefined ? '-' : n >= 100 ? Math.round(n).toLocaleString('en') : n.toFixed(2));
  const lines = rows.map((r) => {
    const missed = r.ratio !== undefined && (r.atMost ? r.ratio > r.wanted : r.ratio < r.wanted);
    const ratio =
      r.ratio === undefined
        ? (r.missing ?? noEtcd)
        : `${r.ratio.toFixed(2)}×, wanted ${r.atMost ? 'at most ' : ''}${r.wanted}×${missed ? ' !' : ''}`;
    return `${r.name.padEnd(58)} ${number(r.ours).padStart(10)} ${r.unit.padEnd(4)} ${r.referenceName.padStart(9)} ${number(r.reference).padStart(10)}  ${ratio}`;
  });
  return lines.join('\n');
}

/** The middle one, or the mean of the two in the middle. NaN of nothing. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
