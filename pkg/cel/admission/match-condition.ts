/**
 * Expressions that decide whether a request matters to a webhook or an admission policy: what they may name, and
 * whether they make sense.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-matchconditions
 */
import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import { compile } from '../compile.ts';
import type { Environment, Variable } from '../environment.ts';
import { kubernetesEnvironment } from '../library/kubernetes.ts';
import { renderIssues } from '../syntax/issue.ts';
import { parse } from '../syntax/parser.ts';
import { scalars } from '../types/cel-type.ts';
import { schemaType } from '../types/schema-type.ts';

const text: JSONSchemaProps = { type: 'string' };
const texts: JSONSchemaProps = { type: 'array', items: text };
const object = (properties: Readonly<Record<string, JSONSchemaProps>>): JSONSchemaProps => ({ type: 'object', properties });
const kind = object({ group: text, version: text, kind: text });
const resource = object({ group: text, version: text, resource: text });

/** Kubernetes' AdmissionRequest, without the objects: those are variables of their own. */
const request = schemaType(
  object({
    uid: text,
    kind,
    resource,
    subResource: text,
    requestKind: kind,
    requestResource: resource,
    requestSubResource: text,
    name: text,
    namespace: text,
    operation: text,
    userInfo: object({ username: text, uid: text, groups: texts, extra: { type: 'object', additionalProperties: texts } }),
    dryRun: { type: 'boolean' },
  }),
);

const anything = (name: string): Variable => ({ name, type: scalars.dyn });
const ofRequest: Variable = request ? { name: 'request', type: request.type, schema: request } : anything('request');
const forWebhooks = kubernetesEnvironment.with([anything('object'), anything('oldObject'), ofRequest]);
const forPolicies = forWebhooks.with([anything('params'), anything('namespaceObject')]);

/** Why the expression cannot be taken; undefined: it can. */
export function matchConditionFault(expression: string, of: 'webhook' | 'policy'): string | undefined {
  // What an authorizer is asked is not typed here: of such an expression only the syntax is looked at.
  if (/\bauthorizer\b/.test(expression)) {
    const parsed = parse(expression);
    return 'issues' in parsed ? `compilation failed: ${renderIssues(expression, parsed.issues)}` : undefined;
  }
  const environment: Environment = of === 'webhook' ? forWebhooks : forPolicies;
  const compiled = compile(expression, environment, { type: scalars.bool, otherwise: 'must evaluate to bool' });
  return 'fault' in compiled ? compiled.fault : undefined;
}
