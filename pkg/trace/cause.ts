/**
 * Why a write happened. Every write to the store carries one WriteRecord, kept in the same transaction as the
 * value. A control loop that reacts to a revision names that revision as a cause of its own writes, so that
 * "kubectl apply → Deployment@101 → ReplicaSet@102 → Pod@105" can be read back, also after a restart.
 */
export interface WriteRecord {
  /** Who: `kubernetes-admin`, `system:kube-scheduler`, `system:node:node-1`. */
  readonly actor: string;
  /** With what: the User-Agent's first word or the field manager: `kubectl`, `replicaset-controller`. */
  readonly agent?: string | undefined;
  /** What was asked: `create`, `update`, `patch`, `apply`, `delete`, `bind`... */
  readonly verb: string;
  /** The request's id (the Audit-ID header), unique per request. */
  readonly request: string;
  /** Milliseconds since the epoch, by the API server's clock. */
  readonly time: number;
  /** What it reacted to; absent or empty for a person's own request. */
  readonly causes?: Causes | undefined;
}

/**
 * A set of revisions that a control loop was reacting to. Workqueues merge keys, so they merge causes; a set is
 * kept small: the newest `maxCauses` revisions.
 */
export type Causes = readonly number[];

/** A cause set holds at most this many revisions; 8 fit in a short header and name every recent trigger. */
export const maxCauses = 8;

/** Carries causes between processes: revisions, separated by commas. */
export const causesHeader = 'gokube-causes';

/** The union of both, newest first, bounded by `maxCauses`. */
export function mergeCauses(a: Causes, b: Causes): Causes {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  return [...new Set([...a, ...b])].sort((x, y) => y - x).slice(0, maxCauses);
}

export function formatCauses(causes: Causes): string {
  return causes.join(',');
}

/** Parses the header; anything in it that is no positive integer is ignored, since it only informs. */
export function parseCauses(header: string | undefined): Causes {
  if (!header) return [];
  const revisions = header.split(',').map((part) => Number(part.trim()));
  return [...new Set(revisions.filter((r) => Number.isSafeInteger(r) && r > 0))].sort((x, y) => y - x).slice(0, maxCauses);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeRecord(record: WriteRecord): Uint8Array {
  return encoder.encode(JSON.stringify(record));
}

/** Returns undefined for bytes that are no record: a record explains, it never decides. */
export function decodeRecord(bytes: Uint8Array | undefined): WriteRecord | undefined {
  if (!bytes) return undefined;
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return typeof value === 'object' && value !== null && 'actor' in value ? (value as WriteRecord) : undefined;
  } catch {
    return undefined;
  }
}
