import { isApiError } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { resourcePath } from '../../client/resource-path.ts';
import { type Command, type CommandContext, type CommandInput, dryRunFlag, dryRunOf, fieldManagerFlag, outputFlag } from '../command.ts';
import { parseDuration } from '../duration.ts';
import { CommandError, SilentExit, wrongArguments } from '../failure.ts';
import type { LooseObject } from '../manifests.ts';
import { runRemoteSession, terminalWanted } from '../remote-session.ts';
import { type Watched, waitUntil } from '../wait-until.ts';
import { createBuilt, parsePairs } from './create-one.ts';

export const run: Command = {
  name: 'run',
  short: 'Run an image in a pod',
  usage: 'NAME --image=image [--env="key=value"] [--port=port] [--dry-run=server|client] [-- COMMAND] [args...]',
  examples: `
kubectl run web --image=gokube/host --port=8080 --command -- sleep 1000
kubectl run -it --rm shell --image=gokube/host -- sh`,
  flags: [
    outputFlag,
    dryRunFlag,
    fieldManagerFlag('kubectl-run'),
    { name: 'image', kind: 'string', help: 'The image to run.' },
    { name: 'image-pull-policy', kind: 'string', help: 'Always, IfNotPresent or Never.' },
    { name: 'port', kind: 'int', help: 'The port that the container listens on.' },
    { name: 'expose', kind: 'bool', help: 'Make a service of that port too.' },
    { name: 'env', kind: 'list', help: 'An environment variable: key=value.' },
    { name: 'labels', short: 'l', kind: 'string', help: 'Labels of the pod: a=b,c=d.' },
    { name: 'annotations', kind: 'list', help: 'An annotation: key=value.' },
    { name: 'restart', kind: 'string', default: 'Always', help: 'Always, OnFailure or Never.' },
    { name: 'command', kind: 'bool', help: 'What follows -- is the command, not its arguments.' },
    { name: 'stdin', short: 'i', kind: 'bool', help: 'Keep standard input open.' },
    { name: 'tty', short: 't', kind: 'bool', help: 'Give the container a terminal.' },
    { name: 'attach', kind: 'bool', help: 'Join its streams once it runs; with -i that is the default.' },
    { name: 'rm', kind: 'bool', help: 'Delete the pod when it has ended; only when attached.' },
    { name: 'quiet', short: 'q', kind: 'bool', help: 'Say less.' },
    { name: 'pod-running-timeout', kind: 'string', default: '1m0s', help: 'How long to wait for the pod to run.' },
    { name: 'privileged', kind: 'bool', help: 'Run it privileged.' },
  ],
  async run(context, input) {
    const { flags, args } = input;
    const [name, ...extra] = args;
    if (extra.length > 0 && input.rest) throw new CommandError(`unexpected arguments before --: ${extra.join(' ')}`);
    const image = flags.optional('image');
    if (!image) throw new CommandError('required flag(s) "image" not set');
    if (name === undefined) throw wrongArguments('NAME is required for run', context);
    const attached = flags.has('attach') ? flags.bool('attach') : flags.bool('stdin');
    if (flags.bool('rm') && !attached) throw wrongArguments('--rm should only be used for attached containers', context);
    if (flags.bool('tty') && !flags.bool('stdin')) throw new CommandError('-i/--stdin is required for containers with -t/--tty=true');
    if (attached && dryRunOf(flags) !== 'none') throw new CommandError('--dry-run=none is required for attached containers');
    const restart = flags.string('restart');
    if (!['Always', 'OnFailure', 'Never'].includes(restart)) throw new CommandError(`invalid restart policy: ${restart}`);
    const port = flags.int('port');
    if (flags.bool('expose') && port === undefined) throw new CommandError('--port must be set when exposing a service');
    const labels = flags.has('labels') ? parsePairs(flags.string('labels'), 'label') : { run: name };
    const built = podOf(name, image, { input, labels, words: input.rest ?? extra });
    const quiet = attached;
    const pod = quiet ? await createQuietly(context, built) : await createBuilt(context, input, built);
    if (flags.bool('expose')) await createBuilt(context, input, serviceFor(name, labels, port as number));
    return attached ? attachTo(context, input, pod as unknown as Pod) : 0;
  },
};

function podOf(
  name: string,
  image: string,
  { input, labels, words }: { readonly input: CommandInput; readonly labels: Record<string, string>; readonly words: readonly string[] },
): LooseObject {
  const { flags } = input;
  const port = flags.int('port');
  const env = flags.list('env').map((text) => {
    const equals = text.indexOf('=');
    if (equals <= 0) throw new CommandError(`invalid env: ${text}; write key=value`);
    return { name: text.slice(0, equals), value: text.slice(equals + 1) };
  });
  const annotations = Object.assign({}, ...flags.list('annotations').map((text) => parsePairs(text, 'annotation'))) as Record<
    string,
    string
  >;
  const container = {
    image,
    name,
    ...(words.length > 0 ? { [flags.bool('command') ? 'command' : 'args']: words } : {}),
    ...(env.length > 0 ? { env } : {}),
    ...(port === undefined ? {} : { ports: [{ containerPort: port }] }),
    ...(flags.has('image-pull-policy') ? { imagePullPolicy: flags.string('image-pull-policy') } : {}),
    ...(flags.bool('stdin') ? { stdin: true, stdinOnce: true } : {}),
    ...(flags.bool('tty') ? { tty: true } : {}),
    ...(flags.bool('privileged') ? { securityContext: { privileged: true } } : {}),
    resources: {},
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    spec: { containers: [container], dnsPolicy: 'ClusterFirst', restartPolicy: flags.string('restart') },
    status: {},
  } as unknown as LooseObject;
}

function serviceFor(name: string, selector: Record<string, string>, port: number): LooseObject {
  const spec = { selector, ports: [{ port, protocol: 'TCP', targetPort: port }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec } as unknown as LooseObject;
}

/** What an attached pod writes is the output: nothing else is said. */
async function createQuietly(context: CommandContext, pod: LooseObject): Promise<LooseObject> {
  const info = await context.mapper.one('pods');
  return (await context.api.create(info, context.namespace, pod, { fieldManager: 'kubectl-run' })) as LooseObject;
}

async function attachTo(context: CommandContext, { flags }: CommandInput, pod: Pod): Promise<number> {
  const info = await context.mapper.one('pods');
  const { name, namespace } = pod.metadata;
  const container = pod.spec.containers[0]?.name ?? name;
  const stdin = flags.bool('stdin');
  const tty = await terminalWanted(context, { stdin, tty: flags.bool('tty') });
  let code = 0;
  try {
    const timeout = parseDuration(flags.string('pod-running-timeout'), '"--pod-running-timeout" flag');
    let phase = '';
    const done = (object: KubeObject | undefined): boolean => {
      if (!object) throw new CommandError(`pod ${JSON.stringify(name)} was deleted before it ran`);
      phase = (object as Pod).status.phase ?? '';
      return phase === 'Running' || phase === 'Succeeded' || phase === 'Failed';
    };
    if (!(await waitUntil(context, { info, namespace, name }, { done, timeout }))) {
      throw new CommandError(`timed out waiting for the condition: pod ${JSON.stringify(name)} is still ${phase || 'waiting'}`);
    }
    if (phase === 'Running') {
      if (tty && !flags.bool('quiet')) await context.warn("If you don't see a command prompt, try pressing enter.");
      try {
        code = await runRemoteSession(context, { what: 'attach', pod, container, stdin, tty });
      } catch (error) {
        if (!isApiError(error) || context.io.signal.aborted) throw error;
        await context.warn(`warning: couldn't attach to pod/${name}, falling back to streaming logs: ${error.message}`);
        await showLog(context, { info, namespace, name }, container);
      }
    } else {
      // Over before anybody could join: its log has all of it.
      await showLog(context, { info, namespace, name }, container);
    }
    if (flags.string('restart') === 'Never') code = await exitCodeOfPod(context, { info, namespace, name }, code);
  } finally {
    if (flags.bool('rm')) {
      await context.api.delete(info, { namespace, name }, { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' });
      if (!flags.bool('quiet')) await context.print(`pod ${JSON.stringify(name)} deleted from ${namespace} namespace`);
    }
  }
  if (code !== 0) throw new SilentExit(code);
  return 0;
}

async function showLog(context: CommandContext, { info, namespace, name }: Watched, container: string): Promise<void> {
  const path = resourcePath(info, { namespace, name, subresource: 'log' });
  for await (const chunk of await context.api.stream(path, { query: { container, follow: true } })) await context.io.stdout(chunk);
}

/** A pod that runs once ends with its container's exit code. */
async function exitCodeOfPod(context: CommandContext, watched: Watched, fallback: number): Promise<number> {
  let code = fallback;
  const done = (object: KubeObject | undefined): boolean => {
    const pod = object as Pod | undefined;
    const terminated = pod?.status.containerStatuses?.[0]?.state.terminated;
    if (terminated) code = terminated.exitCode;
    return pod === undefined || pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
  };
  await waitUntil(context, watched, { done, timeout: 30_000 });
  return code;
}
