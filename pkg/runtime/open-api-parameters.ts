/** What operations can be told in a path and a query, as OpenAPI's parameters. */

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly type: 'string' | 'integer' | 'boolean';
  readonly description: string;
}

interface Parameterized {
  readonly parameters: readonly Parameter[];
}

const query = (name: string, type: Parameter['type'], description: string): Parameter => ({ name, in: 'query', type, description });
export const nameParameter = (kind: string): Parameter => ({
  name: 'name',
  in: 'path',
  type: 'string',
  description: `name of the ${kind}`,
});
export const namespaceParameter: Parameter = {
  name: 'namespace',
  in: 'path',
  type: 'string',
  description: 'the namespace that the object is in',
};
export const pathParameter: Parameter = { name: 'path', in: 'path', type: 'string', description: 'path to the resource' };
export const pretty = query('pretty', 'string', "If 'true', the answer is indented for reading.");

export const writeParameters: readonly Parameter[] = [
  query('dryRun', 'string', "With 'All' the request goes through every stage, and nothing is stored."),
  query('fieldManager', 'string', 'The name under which the fields that change are recorded as owned.'),
  query('fieldValidation', 'string', 'What to do with unknown and duplicate fields: Ignore, Warn (the default) or Strict.'),
];
const watchParameters: readonly Parameter[] = [
  query('allowWatchBookmarks', 'boolean', 'Whether a watch may send BOOKMARK events, which carry a resource version and nothing else.'),
  query('watch', 'boolean', 'Send changes as they happen, in place of a list.'),
];
export const selectParameters: readonly Parameter[] = [
  query('continue', 'string', 'The token that the last page of a list came with: asks for the next page.'),
  query('fieldSelector', 'string', 'Only objects with these values in fields. Which fields can be named depends on the resource.'),
  query('labelSelector', 'string', 'Only objects with labels like these.'),
  query('limit', 'integer', 'At most this many objects; the rest comes by "continue".'),
  query('resourceVersion', 'string', 'How old the answer may be, or where a watch begins.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant: NotOlderThan or Exact.'),
  query('sendInitialEvents', 'boolean', 'Begin a watch with an event for each object that is there.'),
  query('shardSelector', 'string', 'Only the objects of one shard. Not yet: it is read and not listened to.'),
  query('timeoutSeconds', 'integer', 'How long the call may last.'),
];
export const listParameters: readonly Parameter[] = [...selectParameters, ...watchParameters];
export const deleteParameters: readonly Parameter[] = [
  writeParameters[0] as Parameter,
  query('gracePeriodSeconds', 'integer', 'How long the object may take to end: 0 means at once.'),
  query('ignoreStoreReadErrorWithClusterBreakingPotential', 'boolean', 'Delete an object that can no longer be read.'),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'What becomes of the objects that this one owns: Orphan, Background or Foreground.'),
];
export const force = query('force', 'boolean', 'Take fields that others own, in place of a conflict. For apply patches.');

const container = query('container', 'string', 'Which container, where there are several.');
const streamParameters: readonly Parameter[] = [
  container,
  query('stderr', 'boolean', "Whether the client wants the container's standard error."),
  query('stdin', 'boolean', "Whether the client writes to the container's standard input."),
  query('stdout', 'boolean', "Whether the client wants the container's standard output."),
  query('tty', 'boolean', 'Whether the process has a terminal.'),
];
const proxyParameter = query('path', 'string', 'Which path of the backend.');
/** What the connections to pods, services and nodes are asked for, by subresource. */
export const connectParameters: Readonly<Record<string, readonly Parameter[]>> = {
  attach: streamParameters,
  exec: [...streamParameters, query('command', 'string', 'What is run, a word each time that it is given.')],
  portforward: [query('ports', 'integer', 'Which ports of the pod.')],
  proxy: [proxyParameter],
  log: [
    container,
    query('follow', 'boolean', 'Go on with what is written from now on.'),
    query('insecureSkipTLSVerifyBackend', 'boolean', "Whether the kubelet's certificate is not looked at."),
    query('limitBytes', 'integer', 'End after so many bytes.'),
    query('previous', 'boolean', "The log of the container's last run."),
    query('sinceSeconds', 'integer', 'What was written in so many seconds up to now.'),
    query('stream', 'string', 'Stdout, Stderr or All.'),
    query('tailLines', 'integer', 'So many lines from the end.'),
    query('timestamps', 'boolean', 'Each line with its time.'),
  ],
};

/** The parameters of all operations of a path, and those that each has beside them; by name. */
export function sharedParameters(operations: readonly Parameterized[]): {
  readonly shared: readonly Parameter[];
  own(operation: Parameterized): readonly Parameter[];
} {
  const byName = (list: Iterable<Parameter>): Parameter[] => [...list].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const keyOf = ({ name, in: place }: Parameter): string => `${place} ${name}`;
  const [first, ...others] = operations;
  const elsewhere = others.map(({ parameters }) => new Set(parameters.map(keyOf)));
  const shared = (first?.parameters ?? []).filter((parameter) => elsewhere.every((keys) => keys.has(keyOf(parameter))));
  const keys = new Set(shared.map(keyOf));
  return { shared: byName(shared), own: ({ parameters }) => byName(parameters.filter((each) => !keys.has(keyOf(each)))) };
}
