import { type Command, filenameFlags } from '../command.ts';
import { CommandError, SilentExit, wrongArguments } from '../failure.ts';
import { readManifests } from '../manifests.ts';
import { containerOf, onePodOf } from '../pod-of.ts';
import { runRemoteSession, terminalWanted } from '../remote-session.ts';

export const exec: Command = {
  name: 'exec',
  short: 'Run a command in a container',
  usage: '(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]',
  examples: 'kubectl exec web -- ls /\nkubectl exec -it web -- sh\nkubectl exec deployment/web -c side -- date',
  flags: [
    filenameFlags[0] as (typeof filenameFlags)[number],
    { name: 'container', short: 'c', kind: 'string', help: 'In this container.' },
    { name: 'stdin', short: 'i', kind: 'bool', help: 'Pass standard input on.' },
    { name: 'tty', short: 't', kind: 'bool', help: 'Give the command a terminal.' },
    { name: 'quiet', short: 'q', kind: 'bool', help: 'Show only what the command writes.' },
  ],
  async run(context, { flags, args, rest }) {
    const [file] = flags.has('filename') ? await readManifests(context.io, flags) : [];
    const named = file ? `${file.object.kind}/${file.object.metadata.name}` : args[0];
    if (named === undefined)
      throw new CommandError("pod, type/name or --filename must be specified\nSee 'kubectl exec -h' for help and examples");
    if (args.length > (file ? 0 : 1))
      throw wrongArguments('exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead', context);
    if (!rest?.length) throw new CommandError('you must specify at least one command for the container');
    const pod = await onePodOf(context, named);
    if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') {
      throw new CommandError(`cannot exec into a container in a completed pod; current phase is ${pod.status.phase}`);
    }
    const container = await containerOf(context, pod, flags.optional('container'));
    const stdin = flags.bool('stdin');
    const tty = await terminalWanted(context, { stdin, tty: flags.bool('tty') });
    const code = await runRemoteSession(context, { what: 'exec', pod, container, command: rest, stdin, tty });
    if (code !== 0) {
      if (!flags.bool('quiet')) await context.warn(`command terminated with exit code ${code}`);
      throw new SilentExit(code);
    }
    return 0;
  },
};
