/** For tests: an expression as text, evaluated to text. */

import type { JSONSchemaProps } from '../../api/generated/apiextensions-v1.ts';
import { compile } from '../compile.ts';
import { kubernetesEnvironment } from '../library/kubernetes.ts';
import { type SchemaType, schemaType } from '../types/schema-type.ts';
import { Budget } from '../values/budget.ts';
import { fromJson } from '../values/schema-value.ts';
import { CelError } from '../values/value.ts';
import { displayValue } from './display-value.ts';

export interface Self {
  readonly schema: JSONSchemaProps;
  readonly value: unknown;
}

/** The value as CEL would write it; `error: ...` where evaluation fails; the compiler's first message where it does not compile. */
export function evaluateText(source: string, self?: Self): string {
  const type = self ? (schemaType(self.schema) as SchemaType) : undefined;
  const environment = type ? kubernetesEnvironment.with([{ name: 'self', type: type.type, schema: type }]) : kubernetesEnvironment;
  const compiled = compile(source, environment);
  if ('fault' in compiled) return `fault: ${/ERROR: <input>:(.*)/.exec(compiled.fault)?.[1] ?? compiled.fault}`;
  try {
    const values = new Map(self && type ? [['self', fromJson(self.value, type)]] : []);
    return displayValue(compiled.program.evaluate(values, new Budget(1_000_000)));
  } catch (error) {
    if (error instanceof CelError) return `error: ${error.message}`;
    throw error;
  }
}
