/**
 * How long a list may be paged through. The token of a page expires in Kubernetes with the history that is compacted
 * every five minutes, and clients are built for that: they are given a token to go on with in the present. Ours expires
 * at that age too, however much longer the history is kept for those who ask for the past.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 */
export class PageAge {
  static readonly minutes = 5;
  /** The newest revision at each of the last minutes, the oldest first. */
  #past: number[] = [];

  /** Once a minute. */
  tick(revision: number): void {
    this.#past.push(revision);
    if (this.#past.length > PageAge.minutes + 1) this.#past.shift();
  }

  /** Whether something was written since that revision, more than five minutes ago. */
  isOver(revision: number): boolean {
    return this.#past.length > PageAge.minutes && revision < (this.#past[0] as number);
  }
}
