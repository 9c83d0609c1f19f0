/**
 * Structures as Kubernetes shows them in messages about them: its own internal ones, whose fields are named as in Go,
 * and all there, be they empty.
 */
import { isObject, type Raw } from '../raw.ts';

/** Of a field: what stands for nothing, or the shape of the structure in it. Fields are in the order of the type. */
export interface GoShape {
  readonly [goName: string]: readonly [field: string, empty: null | '' | 0 | false | GoShape, shape?: GoShape];
}

/** A field that is a structure of its own shape, and null where there is none. */
export function goValue(value: Raw, shape: GoShape): Raw {
  const out: Raw = {};
  for (const [name, [field, empty, inner]] of Object.entries(shape)) {
    const given = value[field];
    if (isObject(given) && inner) out[name] = goValue(given, inner);
    else if (isObject(empty)) out[name] = goValue(isObject(given) ? given : {}, empty as GoShape);
    else out[name] = given ?? empty;
  }
  return out;
}
