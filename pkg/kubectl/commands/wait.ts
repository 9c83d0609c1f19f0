import { isNotFound } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { type JsonPath, relaxedPath } from '../../runtime/json-path.ts';
import {
  allNamespacesFlag,
  type Command,
  type CommandContext,
  fieldSelectorFlag,
  filenameFlags,
  outputFlag,
  selectorFlag,
} from '../command.ts';
import { CommandError } from '../failure.ts';
import { printedName } from '../resource-mapper.ts';
import { objectsOf, type Target, targetsOf } from '../targets.ts';
import { waitUntil } from '../wait-until.ts';
import { untilGone } from './delete.ts';
import { endWith } from './get.ts';

export const wait: Command = {
  name: 'wait',
  short: 'Wait until something is true of objects',
  usage:
    '([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) --for=delete|create|condition=NAME[=value]|jsonpath=PATH[=value]',
  examples: `
kubectl wait --for=condition=Ready pod/web
kubectl wait --for=condition=Available deployment --all --timeout=60s
kubectl wait --for=jsonpath='{.status.phase}'=Running pod/web
kubectl wait --for=delete pod/web`,
  flags: [
    ...filenameFlags,
    selectorFlag,
    fieldSelectorFlag,
    allNamespacesFlag,
    outputFlag,
    { name: 'all', kind: 'bool', help: 'All objects of the types named.' },
    { name: 'for', kind: 'list', help: 'What to wait for; several must all come true.' },
    { name: 'timeout', kind: 'duration', default: '30s', help: 'Give up after so long; 0: look once; negative: a week.' },
  ],
  async run(context, { flags, args }) {
    const wanted = flags.list('for');
    if (wanted.length === 0) throw new CommandError("must specify --for\nSee 'kubectl wait -h' for help and examples");
    const conditions = wanted.map(parseCondition);
    const asked = flags.duration('timeout') ?? 30_000;
    const deadline = context.io.clock.monotonic() + (asked < 0 ? 7 * 24 * 3_600_000 : asked);
    const { targets } = await targetsOf(context, args, flags);
    const failures: unknown[] = [];
    const selected = await expand(context, targets, { conditions, flags });
    if (selected.length === 0) {
      if (conditions.some(({ kind }) => kind === 'delete')) return 0;
      throw new CommandError('no matching resources found');
    }
    for (const target of selected) {
      try {
        for (const condition of conditions) await meet(context, target, condition, Math.max(0, deadline - context.io.clock.monotonic()));
        const name = printedName(target.info, target.name ?? '');
        await context.print(flags.string('output') === 'name' ? name : `${name} condition met`);
      } catch (error) {
        if (context.io.signal.aborted) throw error;
        failures.push(error);
      }
    }
    return endWith(context, failures);
  },
};

type Condition =
  | { readonly kind: 'delete' | 'create' }
  | { readonly kind: 'condition'; readonly type: string; readonly status: string }
  | { readonly kind: 'jsonpath'; readonly path: JsonPath; readonly value: string | undefined };

function parseCondition(text: string): Condition {
  const lower = text.toLowerCase();
  if (lower === 'delete' || lower === 'create') return { kind: lower };
  if (lower.startsWith('condition=')) {
    const [type = '', status = 'true'] = text.slice('condition='.length).split('=');
    return { kind: 'condition', type, status };
  }
  if (lower.startsWith('jsonpath=')) {
    const inner = text.slice('jsonpath='.length).replace(/^'(.*)'$/s, '$1');
    // The value stands behind the brace that ends the path; a path without braces ends at the first =.
    const match = /^(\{.*\})(?:=(.*))?$/s.exec(inner) ?? /^([^=]*)(?:=(.*))?$/s.exec(inner);
    const [, path = '', value] = match ?? [];
    if (path === '')
      throw new CommandError(
        "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'",
      );
    if (value === '')
      throw new CommandError("jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3");
    return { kind: 'jsonpath', path: relaxedPath(path.replace(/^'(.*)'$/s, '$1')), value: value?.replace(/^(['"])(.*)\1$/s, '$2') };
  }
  throw new CommandError(`unrecognized condition: ${JSON.stringify(text)}`);
}

/** What is to be deleted or made is named by the command line; the rest must be there. */
async function expand(
  context: CommandContext,
  targets: readonly Target[],
  { conditions, flags }: { readonly conditions: readonly Condition[]; readonly flags: Parameters<typeof objectsOf>[2] },
): Promise<Target[]> {
  const creation = conditions.some(({ kind }) => kind === 'create');
  const deletion = conditions.some(({ kind }) => kind === 'delete');
  const found: Target[] = [];
  for (const target of targets) {
    if (creation && target.name !== undefined) found.push(target);
    else {
      try {
        found.push(...(await objectsOf(context, [target], flags)).map((object) => object.target));
      } catch (error) {
        // What is to be gone and is gone needs no waiting.
        if (!deletion || !isNotFound(error)) throw error;
      }
    }
  }
  return found;
}

async function meet(context: CommandContext, target: Target, condition: Condition, timeout: number): Promise<void> {
  const { info, namespace, name = '' } = target;
  if (condition.kind === 'delete') {
    await untilGone(context, target, { uid: undefined, timeout });
    return;
  }
  const done = (object: KubeObject | undefined): boolean => {
    if (condition.kind === 'create') return object !== undefined;
    if (object === undefined) throw new CommandError(`${info.resource} ${JSON.stringify(name)} not found`);
    if (condition.kind === 'condition') return hasCondition(object, condition);
    return condition.kind === 'jsonpath' && hasValue(object, condition);
  };
  if (!(await waitUntil(context, { info, namespace, name }, { done, timeout }))) {
    throw new CommandError(`timed out waiting for the condition on ${info.resource}/${name}`);
  }
}

function hasCondition(object: KubeObject, { type, status }: Condition & { kind: 'condition' }): boolean {
  const { status: observed, metadata } = object as KubeObject & {
    status?: { conditions?: { type: string; status: string; observedGeneration?: number }[]; observedGeneration?: number };
  };
  const found = observed?.conditions?.find((each) => each.type.toLowerCase() === type.toLowerCase());
  if (!found) return false;
  // A condition about an older state of the object says nothing of this one.
  const seen = found.observedGeneration ?? observed?.observedGeneration;
  if (seen !== undefined && metadata.generation !== undefined && seen < metadata.generation) return false;
  return found.status.toLowerCase() === status.toLowerCase();
}

function hasValue(object: KubeObject, { path, value }: Condition & { kind: 'jsonpath' }): boolean {
  const found = path.find(object);
  if (found.length > 1) throw new CommandError('given jsonpath expression matches more than one value');
  const [one] = found;
  if (value === undefined) return found.length > 0;
  if (typeof one === 'object' && one !== null) throw new CommandError('jsonpath leads to a nested object or list which is not supported');
  return found.length > 0 && String(one) === value;
}
