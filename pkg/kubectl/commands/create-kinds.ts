import { resourcePath } from '../../client/resource-path.ts';
import type { Command } from '../command.ts';
import { formatDuration } from '../duration.ts';
import { CommandError } from '../failure.ts';
import { createOne } from './create-one.ts';

/** The container's name that an image suggests: `registry/team/web:1` → `web`. */
export function nameOfImage(image: string): string {
  const last = image.split('/').at(-1) ?? image;
  const name = last
    .replace(/[@:].*$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-');
  return name.replace(/^-+|-+$/g, '') || 'main';
}

export const createDeployment = createOne({
  name: 'deployment',
  aliases: ['deploy'],
  short: 'Make a deployment',
  usage: 'NAME --image=image [-- COMMAND] [args...]',
  requires: ['image'],
  examples: 'kubectl create deployment web --image=gokube/host --replicas=3 --port=8080 -- node server.js',
  flags: [
    { name: 'image', kind: 'strings', help: 'The image to run; several give several containers.' },
    { name: 'replicas', short: 'r', kind: 'int', default: 1, help: 'How many pods.' },
    { name: 'port', kind: 'int', help: 'The port that the container listens on.' },
  ],
  async build(_context, name, { flags, rest }) {
    const images = flags.list('image');
    if (images.length > 1 && rest) throw new CommandError('cannot specify multiple --image options and command');
    const port = flags.int('port');
    const labels = { app: name };
    const used = new Set<string>();
    const containers = images.map((image) => {
      let container = nameOfImage(image);
      for (let n = 2; used.has(container); n++) container = `${nameOfImage(image)}-${n}`;
      used.add(container);
      return {
        image,
        name: container,
        ...(rest?.length ? { command: rest } : {}),
        ...(port === undefined ? {} : { ports: [{ containerPort: port }] }),
        resources: {},
      };
    });
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels },
      spec: {
        replicas: flags.int('replicas') ?? 1,
        selector: { matchLabels: labels },
        strategy: {},
        template: { metadata: { labels }, spec: { containers } },
      },
      status: {},
    };
  },
});

export const createNamespace = createOne({
  name: 'namespace',
  aliases: ['ns'],
  short: 'Make a namespace',
  usage: 'NAME',
  build: async (_context, name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {}, status: {} }),
});

export const createServiceAccount = createOne({
  name: 'serviceaccount',
  aliases: ['sa'],
  short: 'Make a service account',
  usage: 'NAME',
  build: async (_context, name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } }),
});

export const createJob = createOne({
  name: 'job',
  short: 'Make a job',
  usage: 'NAME --image=image [-- COMMAND] [args...] | NAME --from=cronjob/name',
  flags: [
    { name: 'image', kind: 'string', help: 'The image to run.' },
    { name: 'from', kind: 'string', help: 'Take the job of this cron job: cronjob/name.' },
  ],
  async build(context, name, { flags, rest }) {
    const image = flags.optional('image');
    const from = flags.optional('from');
    if ((image === undefined) === (from === undefined)) throw new CommandError('either --image or --from must be specified');
    if (from !== undefined)
      return jobOf(
        name,
        from,
        await context.mapper
          .one('cronjobs.batch')
          .then((info) => context.api.get(info, { namespace: context.namespace, name: from.split('/').at(-1) })),
      );
    return {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name },
      spec: {
        template: {
          metadata: {},
          spec: { containers: [{ name, image, ...(rest?.length ? { command: rest } : {}), resources: {} }], restartPolicy: 'Never' },
        },
      },
      status: {},
    };
  },
});

function jobOf(name: string, from: string, cronJob: unknown): { apiVersion: string; kind: string } & Record<string, unknown> {
  if (!/^(cronjobs?|cj)(\.batch)?\//.test(from)) throw new CommandError(`from must be an existing cronjob: ${from}`);
  const { metadata, spec } = cronJob as {
    metadata: { name: string; uid: string };
    spec: { jobTemplate: { metadata?: { labels?: object; annotations?: object }; spec: object } };
  };
  const { labels, annotations } = spec.jobTemplate.metadata ?? {};
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      annotations: { ...annotations, 'cronjob.kubernetes.io/instantiate': 'manual' },
      ...(labels ? { labels } : {}),
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: metadata.name, uid: metadata.uid, controller: true }],
    },
    spec: spec.jobTemplate.spec,
  };
}

/** Prints a token of a service account: what a pod of it would be given. */
export const createToken: Command = {
  name: 'token',
  short: 'Ask for a token of a service account, and print it',
  usage: 'SERVICE_ACCOUNT_NAME',
  flags: [
    { name: 'audience', kind: 'list', help: 'Whom the token is for; the API server by default.' },
    { name: 'duration', kind: 'duration', help: 'For how long it should be good: 10m, 1h.' },
  ],
  async run(context, { args, flags }) {
    const [name] = args;
    if (name === undefined || args.length > 1) throw new CommandError(`exactly one NAME is required, got ${args.length}`);
    const duration = flags.duration('duration');
    if (duration !== undefined && duration % 1000 !== 0)
      throw new CommandError(`--duration cannot be expressed in units less than seconds: ${formatDuration(duration)}`);
    const info = await context.mapper.one('serviceaccounts');
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: flags.list('audience'), ...(duration === undefined ? {} : { expirationSeconds: duration / 1000 }) },
    };
    const path = resourcePath(info, { namespace: context.namespace, name, subresource: 'token' });
    const answer = (await context.api.json(path, { method: 'POST', body })) as { status: { token: string } };
    await context.print(answer.status.token);
    return 0;
  },
};
