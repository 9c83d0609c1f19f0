import { isApiError, isNotFound } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { resourcePath } from '../../client/resource-path.ts';
import type { Query } from '../api.ts';
import { allNamespacesFlag, type Command, type CommandContext, selectorFlag } from '../command.ts';
import { CommandError, describeFailure } from '../failure.ts';
import type { Flags } from '../flags.ts';
import { allContainers, containerOf, podsOf } from '../pod-of.ts';

/** How many lines of each container are shown when several pods are. */
const selectorTail = 10;

export const logs: Command = {
  name: 'logs',
  short: 'Show what containers have written',
  usage: '[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]',
  examples: 'kubectl logs web\nkubectl logs -f deployment/web\nkubectl logs -l app=web --prefix --tail=20',
  flags: [
    selectorFlag,
    allNamespacesFlag,
    { name: 'follow', short: 'f', kind: 'bool', help: 'Go on as more is written.' },
    { name: 'previous', short: 'p', kind: 'bool', help: 'Of the container before it was restarted.' },
    { name: 'container', short: 'c', kind: 'string', help: 'Of this container.' },
    { name: 'all-containers', kind: 'bool', help: 'Of all containers of the pod.' },
    { name: 'all-pods', kind: 'bool', help: 'Of all pods of what is named.' },
    { name: 'tail', kind: 'int', default: -1, help: 'The last lines alone; -1: all.' },
    { name: 'since', kind: 'duration', help: 'Not older than this: 5s, 2m, 3h.' },
    { name: 'since-time', kind: 'string', help: 'Not older than this time (RFC 3339).' },
    { name: 'timestamps', kind: 'bool', help: 'Begin each line with its time.' },
    { name: 'limit-bytes', kind: 'int', help: 'Not more than this.' },
    { name: 'prefix', kind: 'bool', help: 'Begin each line with pod and container.' },
    { name: 'ignore-errors', kind: 'bool', help: 'Go on with the others when the logs of one cannot be had.' },
    { name: 'max-log-requests', kind: 'int', default: 5, help: 'With -f: so many containers at a time.' },
  ],
  async run(context, { flags, args }) {
    const [named, container, ...more] = args;
    if (named === undefined && !flags.has('selector'))
      throw new CommandError(
        "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command\nSee 'kubectl logs -h' for help and examples",
      );
    if (named !== undefined && flags.has('selector')) throw new CommandError('only a selector (-l) or a POD name is allowed');
    if (more.length > 0) throw new CommandError("expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.");
    if (flags.has('since') && flags.has('since-time'))
      throw new CommandError('at most one of `sinceTime` or `sinceSeconds` may be specified');
    const sources = await sourcesOf(context, flags, { named, container: flags.optional('container') ?? container });
    if (sources.length === 0) {
      await context.warn(`No resources found in ${context.namespace} namespace.`);
      return 0;
    }
    const limit = flags.int('max-log-requests') ?? 5;
    if (flags.bool('follow') && sources.length > limit) {
      throw new CommandError(
        `you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${limit}, use --max-log-requests to increase the limit`,
      );
    }
    const show = (source: Source): Promise<void> => showOne(context, flags, source, sources.length > 1);
    if (flags.bool('follow')) await Promise.all(sources.map(show));
    else for (const source of sources) await show(source);
    return 0;
  },
};

interface Source {
  readonly pod: Pod;
  readonly container: string;
}

async function sourcesOf(
  context: CommandContext,
  flags: Flags,
  { named, container }: { readonly named: string | undefined; readonly container: string | undefined },
): Promise<Source[]> {
  let pods: readonly Pod[];
  if (named === undefined) {
    const info = await context.mapper.one('pods');
    const namespace = flags.bool('all-namespaces') ? undefined : context.namespace;
    pods = (await context.api.list(info, namespace, { labelSelector: flags.string('selector') })).items as unknown as Pod[];
  } else {
    const found = await podsOf(context, named).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      throw new CommandError(
        `error from server (NotFound): ${(error as Error).message} in namespace ${JSON.stringify(context.namespace)}`,
        { cause: error },
      );
    });
    if (found.length > 1 && !flags.bool('all-pods')) await context.warn(`Found ${found.length} pods, using pod/${found[0]?.metadata.name}`);
    pods = flags.bool('all-pods') ? found : found.slice(0, 1);
  }
  const sources: Source[] = [];
  for (const pod of pods) {
    if (flags.bool('all-containers')) sources.push(...allContainers(pod).map(({ name }) => ({ pod, container: name })));
    else sources.push({ pod, container: await containerOf(context, pod, container) });
  }
  return sources;
}

function queryOf(flags: Flags, container: string): Query {
  const since = flags.duration('since');
  const tail = flags.int('tail') ?? -1;
  const lines = flags.has('tail') || !flags.has('selector') ? tail : selectorTail;
  return {
    container,
    follow: flags.bool('follow') || undefined,
    previous: flags.bool('previous') || undefined,
    timestamps: flags.bool('timestamps') || undefined,
    tailLines: lines >= 0 ? lines : undefined,
    sinceSeconds: since === undefined ? undefined : Math.max(1, Math.ceil(since / 1000)),
    sinceTime: flags.optional('since-time'),
    limitBytes: flags.int('limit-bytes'),
  };
}

async function showOne(context: CommandContext, flags: Flags, { pod, container }: Source, several: boolean): Promise<void> {
  const info = await context.mapper.one('pods');
  const { name, namespace } = pod.metadata;
  const prefix = flags.bool('prefix') ? `[pod/${name}/${container}] ` : '';
  try {
    const stream = await context.api.stream(resourcePath(info, { namespace, name, subresource: 'log' }), {
      query: queryOf(flags, container),
    });
    // Lines of several containers must not get into each other.
    for await (const chunk of prefix || (several && flags.bool('follow')) ? lines(stream) : stream) {
      await context.io.stdout(typeof chunk === 'string' ? `${prefix}${chunk}\n` : chunk);
    }
  } catch (error) {
    if (!flags.bool('ignore-errors') || context.io.signal.aborted || !isApiError(error)) throw error;
    await context.warn(describeFailure(error));
  }
}

async function* lines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
}
