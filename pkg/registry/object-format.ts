/**
 * How the objects of one resource stand in the store: JSON of the storage version, `apiVersion`, `kind` and
 * `metadata` first, without `metadata.resourceVersion`, since the revision is the store's to assign. Every value
 * therefore begins with the same bytes, and the resourceVersion is spliced in behind them.
 */
import { apiVersionOf, type KubeObject } from '../api/object.ts';
import { encodeJson } from '../runtime/encode.ts';
import { parseJson } from '../runtime/json.ts';
import { kube, metadataOf, type Raw } from './raw.ts';

/** The revision of what a dry run would have made: it has none, and the object no resourceVersion. */
export const unwritten = 0;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface ObjectFormat {
  readonly apiVersion: string;
  readonly kind: string;
  /** The object in the order in which it is stored, without resourceVersion. `metadata` holds something: a name. */
  shape(object: Raw): Raw;
  /** The value to store of an object in that shape. */
  encode(shaped: Raw): Uint8Array;
  /** The object as of `revision`, not frozen yet. */
  decode(value: Uint8Array, revision: number): KubeObject;
  /** The JSON of the object as of `revision`. */
  splice(value: Uint8Array, revision: number): Uint8Array;
  /** The stored value that was spliced. */
  unsplice(json: Uint8Array, revision: number): Uint8Array;
}

export function objectFormat(ref: { readonly group: string; readonly version: string; readonly kind: string }): ObjectFormat {
  const apiVersion = apiVersionOf(ref);
  const { kind } = ref;
  const head = encoder.encode(`{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":{`);

  const startsWithHead = (value: Uint8Array): boolean => {
    for (let i = 0; i < head.length; i++) if (value[i] !== head[i]) return false;
    return true;
  };
  const shape = (object: Raw): Raw => {
    const { apiVersion: _a, kind: _k, metadata, ...rest } = object;
    if ((metadata as Raw)['resourceVersion'] === undefined) return { apiVersion, kind, metadata, ...rest };
    const { resourceVersion: _r, ...kept } = metadata as Raw;
    return { apiVersion, kind, metadata: kept, ...rest };
  };
  /** The value in the form above, should something else have written it. */
  const inForm = (value: Uint8Array): Uint8Array => (startsWithHead(value) ? value : encodeJson(shape(parse(value))));

  return {
    apiVersion,
    kind,
    shape,
    encode: encodeJson,
    decode(value, revision) {
      const object = parse(value);
      if (revision !== unwritten) metadataOf(object)['resourceVersion'] = String(revision);
      return kube(object);
    },
    splice(value, revision) {
      const stored = inForm(value);
      const part = splicedPart(revision);
      const out = new Uint8Array(stored.length + part.length);
      out.set(head);
      for (let i = 0; i < part.length; i++) out[head.length + i] = part.charCodeAt(i);
      out.set(stored.subarray(head.length), head.length + part.length);
      return out;
    },
    unsplice(json, revision) {
      const { length } = splicedPart(revision);
      const out = new Uint8Array(json.length - length);
      out.set(head);
      out.set(json.subarray(head.length + length), head.length);
      return out;
    },
  };
}

function splicedPart(revision: number): string {
  return revision === unwritten ? '' : `"resourceVersion":"${revision}",`;
}

function parse(value: Uint8Array): Raw {
  return parseJson(decoder.decode(value)).value as Raw;
}
