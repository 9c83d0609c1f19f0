import type { Command } from '../command.ts';
import { CommandError, SilentExit } from '../failure.ts';
import { allContainers, containerOf, onePodOf } from '../pod-of.ts';
import { runRemoteSession, terminalWanted } from '../remote-session.ts';

export const attach: Command = {
  name: 'attach',
  short: 'Join the streams of a running container',
  usage: '(POD | TYPE/NAME) -c CONTAINER',
  flags: [
    { name: 'container', short: 'c', kind: 'string', help: 'To this container.' },
    { name: 'stdin', short: 'i', kind: 'bool', help: 'Pass standard input on.' },
    { name: 'tty', short: 't', kind: 'bool', help: 'Standard input is a terminal.' },
    { name: 'quiet', short: 'q', kind: 'bool', help: 'Show only what the container writes.' },
  ],
  async run(context, { flags, args }) {
    const [named, ...more] = args;
    if (named === undefined || more.length > 0)
      throw new CommandError("expected POD, TYPE/NAME, or TYPE NAME, got 0 arguments\nSee 'kubectl attach -h' for help and examples");
    const pod = await onePodOf(context, named);
    if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') {
      throw new CommandError(`cannot attach a container in a completed pod; current phase is ${pod.status.phase}`);
    }
    const container = await containerOf(context, pod, flags.optional('container'));
    const stdin = flags.bool('stdin');
    const hasTerminal = allContainers(pod).find(({ name }) => name === container)?.tty ?? false;
    if (flags.bool('tty') && !hasTerminal) await context.warn(`error: Unable to use a TTY - container ${container} did not allocate one`);
    const tty = hasTerminal && (await terminalWanted(context, { stdin, tty: flags.bool('tty') }));
    if (tty && !flags.bool('quiet')) await context.warn("If you don't see a command prompt, try pressing enter.");
    const code = await runRemoteSession(context, { what: 'attach', pod, container, stdin, tty });
    if (code !== 0) throw new SilentExit(code);
    return 0;
  },
};
