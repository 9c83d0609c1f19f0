/**
 * Match conditions of webhooks and admission policies are compiled before they are taken. The compiler is loaded when
 * the first one turns up.
 */
import { InvariantError } from '../../api/errors.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { invalidField } from '../../runtime/field-errors.ts';
import { objectAt, objects, type Raw, text } from '../raw.ts';
import type { Strategy } from '../resource.ts';

type Cel = typeof import('../../cel/cel.ts');

let loaded: Cel | undefined;

async function load(): Promise<void> {
  loaded = await import('../../cel/cel.ts');
}

interface Condition {
  readonly path: string;
  readonly expression: string;
}

function conditionsAt(holder: Raw, path: string): Condition[] {
  return objects(holder['matchConditions']).map(({ expression }, i) => ({
    path: `${path}.matchConditions[${i}].expression`,
    expression: text(expression),
  }));
}

const ofWebhooks = (object: Raw): Condition[] =>
  objects(object['webhooks']).flatMap((webhook, i) => conditionsAt(webhook, `webhooks[${i}]`));
const ofPolicy = (object: Raw): Condition[] => conditionsAt(objectAt(object['spec']), 'spec');

function compiled(conditionsOf: (object: Raw) => Condition[], of: 'webhook' | 'policy'): Pick<Strategy, 'prepareValidation' | 'validate'> {
  return {
    prepareValidation: (object) => (loaded || conditionsOf(object).length === 0 ? undefined : load()),
    validate: (object) =>
      conditionsOf(object).flatMap(({ path, expression }): StatusCause[] => {
        if (!loaded) throw new InvariantError('match conditions are looked at before their compiler was loaded');
        // That there is none is said elsewhere.
        const fault = expression.trim() === '' ? undefined : loaded.matchConditionFault(expression, of);
        return fault === undefined ? [] : [invalidField(path, expression, fault)];
      }),
  };
}

export const webhookConditions = compiled(ofWebhooks, 'webhook');
export const policyConditions = compiled(ofPolicy, 'policy');
