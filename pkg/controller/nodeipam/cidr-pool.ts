/** Equal parts of an IPv4 range, handed out in order. Pure. */
export class CidrPool {
  readonly #base: number;
  readonly #size: number;
  readonly #count: number;
  readonly #mask: number;
  readonly #used = new Set<number>();

  /** `range`: `10.244.0.0/16`; `mask`: prefix length of a part, 24. Throws for a range that has no such parts. */
  constructor(range: string, mask: number) {
    const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(range);
    const bits = Number(match?.[5]);
    if (!match || bits > mask || mask > 30) throw new Error(`"${range}" cannot be divided into ranges of /${mask}`);
    const address = [1, 2, 3, 4].reduce((sum, at) => sum * 256 + Number(match[at]), 0);
    this.#mask = mask;
    this.#size = 2 ** (32 - mask);
    this.#count = 2 ** (mask - bits);
    this.#base = address - (address % 2 ** (32 - bits));
  }

  /** Marks a part as taken. False when it is no part of this pool, or taken already. */
  occupy(cidr: string): boolean {
    const at = this.#indexOf(cidr);
    if (at === undefined || this.#used.has(at)) return false;
    this.#used.add(at);
    return true;
  }

  release(cidr: string): void {
    const at = this.#indexOf(cidr);
    if (at !== undefined) this.#used.delete(at);
  }

  /** The first free part, now taken; undefined when there is none left. */
  take(): string | undefined {
    for (let at = 0; at < this.#count; at++) {
      if (this.#used.has(at)) continue;
      this.#used.add(at);
      const address = this.#base + at * this.#size;
      const octets = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
      return `${octets.join('.')}/${this.#mask}`;
    }
    return undefined;
  }

  #indexOf(cidr: string): number | undefined {
    const [address = '', bits] = cidr.split('/');
    if (Number(bits) !== this.#mask) return undefined;
    const value = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
    const at = (value - this.#base) / this.#size;
    return Number.isInteger(at) && at >= 0 && at < this.#count ? at : undefined;
  }
}
