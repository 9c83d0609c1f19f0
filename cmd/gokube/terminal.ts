import type { WriteStream } from 'node:tty';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Writes for people: colour and movement on a terminal only (and never with NO_COLOR), plain lines elsewhere. */
export class Terminal {
  readonly #stream: NodeJS.WriteStream | WriteStream;
  readonly #isTerminal: boolean;
  readonly colour: boolean;
  #spinner: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#isTerminal = stream.isTTY === true && process.env['TERM'] !== 'dumb';
    // https://no-color.org: set and not empty means no colour.
    this.colour = this.#isTerminal && !process.env['NO_COLOR'];
  }

  line(text = ''): void {
    this.#stream.write(`${text}\n`);
  }

  problem(message: string): void {
    this.line(`${this.paint('31;1', 'gokube:')} ${message}`);
  }

  hint(text: string): void {
    this.line(`  ${text}`);
  }

  paint(code: string, text: string): string {
    return this.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  /** Begins a phase; the returned function ends it with its time: `  ✓ store opened (lmdb)   12 ms`. */
  phase(name: string, detail: () => string = () => ''): (result?: string, failed?: boolean) => void {
    const started = performance.now();
    let frame = 0;
    if (this.#isTerminal) {
      this.#stream.write(`  ${this.paint('36', frames[0] as string)} ${name}`);
      this.#spinner = setInterval(() => {
        frame = (frame + 1) % frames.length;
        this.#stream.write(`\r  ${this.paint('36', frames[frame] as string)} ${name}${detail()}`);
      }, 80);
      this.#spinner.unref();
    }
    return (result, failed = false) => {
      clearInterval(this.#spinner);
      const ms = performance.now() - started;
      const time = ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
      const mark = failed ? this.paint('31', '✗') : this.paint('32', '✓');
      const text = (result ?? name).padEnd(58);
      this.line(`${this.#isTerminal ? '\r\u001b[2K' : ''}  ${mark} ${text} ${this.paint('2', time.padStart(7))}`);
    };
  }
}
