import { systemContext } from '../bootstrap.ts';
import type { RequestContext } from '../contract.ts';

/** The server's own writes because of a definition. `causes`: the revisions that led to them. */
export function definitionContext(verb: string, causes: readonly number[]): RequestContext {
  return { ...systemContext(verb), agent: 'kube-apiserver', fieldManager: 'kube-apiserver', causes };
}
