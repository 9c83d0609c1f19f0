import type { Identity } from './protocol.ts';

/**
 * What a start script says on stdout before it becomes the container's program, line by line:
 *
 *     pid 4711
 *     identity 1000 1000 1000,27 /home/alice
 *     error exec: "foo": executable file not found in $PATH
 *     ok
 *
 * After `ok` every byte is the program's own. Any other line is what a tool (mount, umount) complained about.
 */
export class LaunchReport {
  pid: number | undefined;
  identity: Identity = { uid: 0, gid: 0, groups: [], home: '/' };
  #error: string | undefined;
  #complaints: string[] = [];
  #text = Buffer.alloc(0);

  /** The program's first bytes once `ok` has been seen; until then undefined. */
  push(chunk: Buffer): Buffer | undefined {
    this.#text = Buffer.concat([this.#text, chunk]);
    for (;;) {
      const end = this.#text.indexOf(10);
      if (end < 0) return undefined;
      // A terminal turns the line feed into carriage return and line feed.
      const line = this.#text.subarray(0, end).toString().replace(/\r$/, '');
      this.#text = this.#text.subarray(end + 1);
      if (line === 'ok') return this.#text;
      this.#line(line);
    }
  }

  /** Why it came to no `ok`. */
  get message(): string {
    const rest = this.#text.toString().trim();
    return this.#error ?? ([...this.#complaints, ...(rest ? [rest] : [])].join('; ') || 'the start script ended without a word');
  }

  #line(line: string): void {
    const [word, ...rest] = line.split(' ');
    if (word === 'pid') this.pid = Number(rest[0]);
    else if (word === 'error') this.#error = rest.join(' ');
    else if (word === 'identity') {
      const groups = rest[2] === '-' ? [] : (rest[2] ?? '').split(',').map(Number);
      this.identity = { uid: Number(rest[0]), gid: Number(rest[1]), groups, home: rest.slice(3).join(' ') };
    } else if (line.trim()) this.#complaints.push(line.trim());
  }
}

/**
 * The last launcher (`env`) is found by its path in what it complains about; the messages are those that users of
 * other runtimes know: `exec /x: exec format error`.
 */
export function launcherComplaint(stderr: string): string | undefined {
  const match = /^\/dev\/\.gokube\/(?:env|setpriv|setsid)?:? ?(.*)\r?\n?$/.exec(stderr.split('\n', 1)[0] ?? '');
  if (!match || !stderr.startsWith('/dev/.gokube/')) return undefined;
  const command = /^['‘](.*)['’]: (.*)$/.exec((match[1] ?? '').trim());
  if (!command) return (match[1] ?? '').trim();
  const reason = (command[2] ?? '').toLowerCase();
  return `exec ${command[1]}: ${reason}`;
}
