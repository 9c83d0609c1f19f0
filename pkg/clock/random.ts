/**
 * Randomness and identities, injected like time. A simulated cluster derives both from one seed; a real one takes
 * them from the platform's cryptographic source.
 */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `n` bytes. From `PlatformRandom` they are fit for keys and tokens; from `SeededRandom` they are not. */
  bytes(n: number): Uint8Array;
  /** An independent source whose sequence depends on this one's seed and `label` alone, not on what was drawn. */
  fork(label: string): Random;
}

/** Uniform integer in [0, n). */
export function randomInt(random: Random, n: number): number {
  return Math.floor(random.next() * n);
}

/** `ms` with up to `factor` of itself added: 100 with 0.5 gives 100 to 150. Kubernetes' wait.Jitter. */
export function jitter(random: Random, ms: number, factor: number): number {
  return ms + random.next() * factor * ms;
}

/** The alphabet of Kubernetes' generated name suffixes: no vowels and no look-alikes, so that no word appears. */
const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** A suffix as `generateName` appends it: `length` characters (Kubernetes: 5). */
export function randomSuffix(random: Random, length = 5): string {
  let out = '';
  for (let i = 0; i < length; i++) out += suffixAlphabet[randomInt(random, suffixAlphabet.length)];
  return out;
}

/** Every byte in hexadecimal. */
const twoDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A version 4 UUID (RFC 9562). */
export function uuid(random: Random): string {
  const b = random.bytes(16);
  b[6] = ((b[6] as number) & 0x0f) | 0x40;
  b[8] = ((b[8] as number) & 0x3f) | 0x80;
  let hex = '';
  for (const byte of b) hex += twoDigits[byte] as string;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * sfc32, a small fast counting generator (Chris Doty-Humphrey, PractRand). The seed and the label path are spread
 * over its state by FNV-1a, then stirred.
 */
export class SeededRandom implements Random {
  readonly #path: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number | string) {
    this.#path = String(seed);
    this.#a = fnv1a(`a/${this.#path}`);
    this.#b = fnv1a(`b/${this.#path}`);
    this.#c = fnv1a(`c/${this.#path}`);
    for (let i = 0; i < 12; i++) this.#next32();
  }

  next(): number {
    return this.#next32() / 2 ** 32;
  }

  bytes(n: number): Uint8Array {
    const out = new Uint8Array(n);
    for (let i = 0; i < n; i++) out[i] = this.#next32() >>> 24;
    return out;
  }

  fork(label: string): Random {
    return new SeededRandom(`${this.#path}/${label}`);
  }

  #next32(): number {
    const t = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return t >>> 0;
  }
}

/** Bytes drawn from the platform at once: a draw of 16 costs as much as one of a thousand. */
const poolSize = 2048;

/** The platform's cryptographic source (Web Crypto, in Node.js and browsers alike). */
export class PlatformRandom implements Random {
  readonly #pool = new Uint8Array(poolSize);
  /** Of the pool, the bytes from here on have not been handed out. */
  #used = poolSize;

  next(): number {
    const [a, b, c, d] = this.bytes(4) as unknown as readonly [number, number, number, number];
    return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32;
  }

  bytes(n: number): Uint8Array {
    if (n > poolSize / 8) return globalThis.crypto.getRandomValues(new Uint8Array(n));
    if (this.#used + n > poolSize) {
      globalThis.crypto.getRandomValues(this.#pool);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += n;
    const out = this.#pool.slice(from, this.#used);
    // What becomes a key or a token stands nowhere else.
    this.#pool.fill(0, from, this.#used);
    return out;
  }

  fork(): Random {
    return this;
  }
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}
