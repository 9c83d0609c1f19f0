import { formatTime } from '../clock/clock.ts';

/** Times as objects carry them, to the second: made once a second, however many objects are written in it. */
export class Timestamps {
  #second = Number.NaN;
  #text = '';

  at(ms: number): string {
    const second = Math.floor(ms / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = formatTime(ms);
    }
    return this.#text;
  }
}
