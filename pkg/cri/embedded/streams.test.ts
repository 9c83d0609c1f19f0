import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessStreams } from '../cri.ts';
import { needsBusybox } from './testing/image-archives.ts';
import { needsContainers } from './testing/needs.ts';
import { TestMachine } from './testing/test-machine.ts';

/** Streams as a person at a terminal has them: types, reads, and resizes the window. */
class Person implements ProcessStreams {
  readonly tty: boolean;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly resize: AsyncIterable<{ width: number; height: number }>;
  readonly #abort = new AbortController();
  readonly signal = this.#abort.signal;
  seen = '';
  errors = '';
  readonly #typed = new Line<Uint8Array>();
  readonly #sizes = new Line<{ width: number; height: number }>();

  constructor(tty: boolean) {
    this.tty = tty;
    this.stdin = this.#typed;
    this.resize = this.#sizes;
  }
  stdout(chunk: Uint8Array): void {
    this.seen += new TextDecoder().decode(chunk);
  }
  stderr(chunk: Uint8Array): void {
    this.errors += new TextDecoder().decode(chunk);
  }
  type(text: string): void {
    this.#typed.push(new TextEncoder().encode(text));
  }
  endOfInput(): void {
    this.#typed.end();
  }
  size(width: number, height: number): void {
    this.#sizes.push({ width, height });
  }
  leave(): void {
    this.#abort.abort();
  }
}

/** A queue that can be awaited. */
class Line<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #over = false;
  #wake: () => void = () => {};
  push(item: T): void {
    this.#items.push(item);
    this.#wake();
  }
  end(): void {
    this.#over = true;
    this.#wake();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#over) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

suite('streams of the embedded runtime', { skip: needsContainers ?? needsBusybox ?? false, concurrency: 4 }, () => {
  let machine: TestMachine;
  before(async () => {
    machine = await TestMachine.start();
  });
  after(async () => {
    await machine?.close();
  });

  test('exec keeps stdout and stderr apart, passes input, and ends with it', async () => {
    const id = await machine.start(await machine.sandbox(), ['sleep', '1000']);
    const person = new Person(false);
    const ended = machine.runtime.exec(id, ['sh', '-c', 'cat; echo err >&2; exit 9'], person);
    person.type('one ');
    person.type('two');
    person.endOfInput();
    assert.equal(await ended, 9);
    assert.deepEqual([person.seen, person.errors], ['one two', 'err\n']);
  });

  test('exec runs as the container’s user, in its directory, with its environment and its limits', async () => {
    const id = await machine.start(await machine.sandbox(), ['sleep', '1000'], {
      security: { runAsUser: 1000, dropCapabilities: ['ALL'], noNewPrivileges: true },
      workingDir: '/tmp',
      env: [{ name: 'GREETING', value: 'hi there' }],
    });
    const said = await machine.exec(
      id,
      'sh',
      '-c',
      'id -u; pwd; echo $GREETING; grep -E "CapBnd|NoNewPrivs" /proc/self/status; echo $HOME; head -1 /proc/self/cgroup',
    );
    assert.match(said, /^1000\n\/tmp\nhi there\nCapBnd:\t0{16}\nNoNewPrivs:\t1\n\/home\/alice\n/);
    const cgroup = (pid: number | string): string =>
      readFileSync(`/proc/${pid}/cgroup`, 'utf8')
        .split('\n')
        .find((line) => line.includes(':memory:') || line.startsWith('0::/gokube')) ?? '';
    const { pid } = await machine.runtime.containerStatus(id);
    assert.equal(await machine.exec(id, 'sh', '-c', 'grep -E ":memory:|^0::/gokube" /proc/self/cgroup'), `${cgroup(pid as number)}\n`);
  });

  test('a terminal: a prompt, a size that follows the window, ^C for the command alone, an exit code', async () => {
    const id = await machine.start(await machine.sandbox(), ['sleep', '1000']);
    const person = new Person(true);
    const ended = machine.runtime.exec(id, ['sh'], person);
    person.size(101, 42);
    await machine.eventually(() => person.seen.includes('# '));
    person.type('stty size; test -t 0 && test -t 1 && echo "is a ""terminal"\n');
    await machine.eventually(() => /42 101\r\n[\s\S]*is a terminal\r\n/.test(person.seen));
    person.size(90, 20);
    person.type('sleep 1000; echo "interrupted: $?"\n');
    await machine.eventually(() => /sleep 1000; echo/.test(person.seen));
    // Until the shell has handed the terminal to `sleep`, the interrupt would be the shell's own.
    await machine.eventually(async () => /sleep 1000/.test((await machine.exec(id, 'ps', '-o', 'ppid,args')).replace(/^ *0 .*$/gm, '')));
    person.type('\x03');
    person.type('stty size; echo "shell ""lives"; exit 5\n');
    assert.equal(await ended, 5);
    assert.match(person.seen, /20 90\r\n[\s\S]*shell lives\r\n/);
    assert.doesNotMatch(person.seen, /interrupted: 0/);
  });

  test('what is typed before the command runs is not lost, and does not disturb its start', async () => {
    const id = await machine.start(await machine.sandbox(), ['sleep', '1000']);
    for (const tty of [true, false]) {
      const person = new Person(tty);
      person.type('\0early\n');
      person.endOfInput();
      assert.equal(await machine.runtime.exec(id, ['sh', '-c', 'read word; echo "read $word"; exit 6'], person), 6);
      assert.match(person.seen, /read .*early\r?\n/);
    }
  });

  test('a program that handles ^C itself goes on', async () => {
    const id = await machine.start(await machine.sandbox(), ['sleep', '1000']);
    const person = new Person(true);
    const ended = machine.runtime.exec(id, ['sh', '-c', 'trap "echo caught" INT; echo ready; read x; read y; exit 3'], person);
    await machine.eventually(() => person.seen.includes('ready'));
    person.type('\x03');
    await machine.eventually(() => person.seen.includes('caught'));
    person.type('\n\n');
    assert.equal(await ended, 3);
  });

  test('who leaves an exec takes the command along', async () => {
    const id = await machine.start(await machine.sandbox(), ['sleep', '1000']);
    const person = new Person(false);
    const ended = machine.runtime.exec(id, ['sleep', '5555'], person);
    await machine.eventually(async () => /sleep 5555/.test(await machine.exec(id, 'ps')));
    person.leave();
    await assert.rejects(ended);
    await machine.eventually(async () => !/sleep 5555/.test(await machine.exec(id, 'ps')));
  });

  test('who leaves an exec at once takes the command along too, however far it had come', async () => {
    const id = await machine.start(await machine.sandbox(), ['sleep', '1000']);
    const leaving = Array.from({ length: 40 }, async (_, i) => {
      const person = new Person(false);
      const ended = machine.runtime.exec(id, ['sleep', '6666'], person);
      await sleep(i * 3);
      person.leave();
      await assert.rejects(ended);
    });
    await Promise.all(leaving);
    await machine.eventually(async () => !/6666/.test(await machine.exec(id, 'ps')));
  });

  test('attach to a terminal: what is typed arrives, what is shown comes back, the console has a name', async () => {
    const id = await machine.start(await machine.sandbox(), ['sh'], { tty: true, stdin: true });
    const person = new Person(true);
    const ended = machine.runtime.attach(id, person);
    person.type('tty; echo "at ""home"; exit 4\n');
    await ended;
    assert.match(person.seen, /\/dev\/console\r\n[\s\S]*at home\r\n/);
    assert.equal((await machine.ended(id)).exitCode, 4);
  });

  test('attach without a terminal; the end of input is the container’s only with stdinOnce', async () => {
    for (const stdinOnce of [true, false]) {
      const id = await machine.start(await machine.sandbox(), ['cat'], { stdin: true, stdinOnce });
      const person = new Person(false);
      const ended = machine.runtime.attach(id, person);
      person.type('hello\n');
      await machine.eventually(() => person.seen === 'hello\n');
      person.endOfInput();
      if (stdinOnce) {
        await ended;
        assert.equal((await machine.ended(id)).exitCode, 0);
      } else {
        person.leave();
        await ended;
        assert.equal((await machine.runtime.containerStatus(id)).state, 'running');
      }
      assert.equal(machine.log((await machine.runtime.containerStatus(id)).logPath).stdout, 'hello\n');
    }
  });

  test('the log has every line once, in order, with long lines in parts and a last line without its end', async () => {
    const { stdout, status } = await machine.sh('seq 1 30000; head -c 40000 /dev/zero | tr "\\\\000" x; echo; printf unfinished');
    const lines = stdout.split('\n');
    assert.deepEqual(
      lines.slice(0, 30_000),
      Array.from({ length: 30_000 }, (_, at) => String(at + 1)),
    );
    assert.deepEqual(lines.slice(30_000), ['x'.repeat(40_000), 'unfinished', '']);
    const tags = readFileSync(status.logPath, 'utf8')
      .split('\n')
      .slice(30_000, -1)
      .map((line) => line.split(' ')[2]);
    assert.deepEqual(tags, ['P', 'P', 'F', 'F']);
  });

  test('a slow reader holds its command up, and nobody else', async () => {
    const id = await machine.start(await machine.sandbox(), ['sleep', '1000']);
    let taken = 0;
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const abort = new AbortController();
    const slow = machine.runtime.exec(id, ['sh', '-c', 'head -c 20000000 /dev/zero; echo done >/tmp/done'], {
      tty: false,
      stdout: async (chunk) => {
        taken += chunk.length;
        await held;
      },
      signal: abort.signal,
    });
    await machine.eventually(() => taken > 0);
    assert.equal(await machine.exec(id, 'echo', 'quick'), 'quick\n');
    assert.match(await machine.exec(id, 'ls', '/tmp/done'), /No such file/);
    release();
    assert.equal(await slow, 0);
    assert.equal(taken, 20_000_000);
  });

  test('port-forward reaches what listens on the pod’s loopback, both ways, and says when nothing does', async () => {
    const sandbox = await machine.sandbox();
    const id = await machine.start(sandbox, ['nc', '-l', '-p', '8080', '-e', 'cat']);
    await machine.eventually(async () => /:1F90 /.test(await machine.exec(id, 'cat', '/proc/net/tcp', '/proc/net/tcp6')));
    const input = new Line<Uint8Array>();
    let output = '';
    let ended = false;
    const stream = {
      readable: input,
      write: (chunk: Uint8Array) => {
        output += new TextDecoder().decode(chunk);
      },
      end: () => {
        ended = true;
      },
      abort: () => {},
    };
    const big = 'x'.repeat(1_000_000);
    const forward = machine.runtime.portForward(sandbox, 8080, stream);
    input.push(new TextEncoder().encode(big));
    await machine.eventually(() => output.length === big.length);
    input.end();
    await forward;
    assert.equal(output, big);
    assert.equal(ended, true);
    let reason = '';
    const refused = machine.runtime.portForward(sandbox, 9, {
      ...stream,
      readable: new Line(),
      abort: (error?: Error) => {
        reason = error?.message ?? '';
      },
    });
    await assert.rejects(refused, /failed to connect to localhost:9 inside namespace .*refused/);
    assert.match(reason, /refused/);
  });
});
