import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageStream } from '../../api/http.ts';
import { createMessagePipe } from './message-pipe.ts';
import {
  chooseRemoteCommandProtocol,
  exitCodeOf,
  exitStatus,
  type RemoteCommandProtocol,
  remoteCommandProtocols,
  runRemoteCommand,
  serveRemoteCommand,
} from './remote-command.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytes(text);
}

/** A command that echoes stdin to stdout and stderr and ends with what it was told: `exit 3`. */
function echo(server: MessageStream, protocol: RemoteCommandProtocol, streams = { stdin: true, stdout: true, stderr: true }) {
  return serveRemoteCommand(server, { protocol, streams }, async ({ stdin, stdout, stderr }) => {
    let all = '';
    for await (const chunk of stdin) {
      all += new TextDecoder().decode(chunk);
      await stdout(chunk);
      await stderr(bytes('!'));
      if (all.includes('exit')) break;
    }
    return exitStatus(Number(/exit (\d+)/.exec(all)?.[1] ?? 0));
  });
}

for (const protocol of remoteCommandProtocols) {
  test(`${protocol}: streams stay apart, and the exit code arrives`, async () => {
    const [near, far] = createMessagePipe();
    const serving = echo(far, protocol);
    const out: string[] = [];
    const err: string[] = [];
    const status = await runRemoteCommand(near, {
      protocol,
      stdin: chunks('one ', 'exit 3'),
      stdout: (chunk) => void out.push(new TextDecoder().decode(chunk)),
      stderr: (chunk) => void err.push(new TextDecoder().decode(chunk)),
    });
    await serving;
    assert.equal(out.join(''), 'one exit 3');
    assert.equal(err.join(''), '!!');
    if (protocol === 'channel.k8s.io') assert.match(status.message ?? '', /exit code 3/);
    else assert.equal(exitCodeOf(status), 3);
  });
}

test('v5: the end of stdin reaches the command although the connection stays open', async () => {
  const [near, far] = createMessagePipe();
  const serving = echo(far, 'v5.channel.k8s.io');
  const status = await runRemoteCommand(near, { protocol: 'v5.channel.k8s.io', stdin: chunks('abc') });
  await serving;
  assert.equal(exitCodeOf(status), 0);
});

test('terminal sizes arrive in order; nonsense on that channel is ignored', async () => {
  const [near, far] = createMessagePipe();
  const sizes: string[] = [];
  const serving = serveRemoteCommand(
    far,
    { protocol: 'v4.channel.k8s.io', streams: { stdin: false, stdout: true, stderr: false } },
    async (session) => {
      for await (const { width, height } of session.resizes) {
        sizes.push(`${width}x${height}`);
        if (sizes.length === 2) break;
      }
      return exitStatus(0);
    },
  );
  await near.send(Uint8Array.of(4, 123, 44));
  async function* resizes() {
    yield { width: 80, height: 24 };
    yield { width: 132, height: 43 };
  }
  await runRemoteCommand(near, { protocol: 'v4.channel.k8s.io', resizes: resizes() });
  await serving;
  assert.deepEqual(sizes, ['80x24', '132x43']);
});

test('a command that cannot be run is a failure with its reason; a client that goes aborts the session', async () => {
  const [near, far] = createMessagePipe();
  const streams = { stdin: true, stdout: true, stderr: true };
  const serving = serveRemoteCommand(far, { protocol: 'v5.channel.k8s.io', streams }, () => Promise.reject(new Error('no such command')));
  const status = await runRemoteCommand(near, { protocol: 'v5.channel.k8s.io' });
  await serving;
  assert.equal(status.status, 'Failure');
  assert.match(status.message ?? '', /no such command/);
  assert.equal(exitCodeOf(status), undefined);

  const [client, server] = createMessagePipe();
  let aborted = false;
  const session = serveRemoteCommand(server, { protocol: 'v5.channel.k8s.io', streams }, async ({ stdin, signal }) => {
    for await (const _ of stdin);
    aborted = signal.aborted;
    return exitStatus(0);
  });
  await client.close();
  await session;
  assert.equal(aborted, true);
});

test('the newest protocol that both know is chosen', () => {
  assert.equal(chooseRemoteCommandProtocol('v4.channel.k8s.io, v5.channel.k8s.io'), 'v5.channel.k8s.io');
  assert.equal(chooseRemoteCommandProtocol('v4.channel.k8s.io'), 'v4.channel.k8s.io');
  assert.equal(chooseRemoteCommandProtocol(undefined), 'channel.k8s.io');
  assert.equal(chooseRemoteCommandProtocol('chat'), undefined);
});
