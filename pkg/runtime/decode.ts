/**
 * Bytes to values, by media type. Whatever the bytes, the answer is a value or an ApiError.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
 */
import { ApiError, badRequest } from '../api/errors.ts';
import { maxBodyDepth, parseJson } from './json.ts';
import { parseYaml } from './yaml.ts';

export interface Decoded {
  /** Integers beyond 2^53 are bigints. */
  readonly value: unknown;
  /** Keys that stand twice; the last one counts. Of JSON their paths, `spec.replicas`; of YAML `line 10: key "replicas" already set in map`. */
  readonly duplicates: readonly string[];
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

const readers: Readonly<Record<string, (bytes: Uint8Array) => Decoded>> = {
  'application/json': readJson,
  'application/yaml': (bytes) => parseYaml(utf8.decode(bytes)),
};

/**
 * `mediaType` as in the header, parameters included; empty means JSON. Throws UnsupportedMediaType, or BadRequest with
 * the fault and where it is.
 */
export function decodeBody(bytes: Uint8Array, mediaType: string): Decoded {
  const essence = (mediaType.split(';', 1)[0] as string).trim().toLowerCase();
  const read = Object.hasOwn(readers, essence || 'application/json') ? readers[essence || 'application/json'] : undefined;
  if (!read) throw unsupportedMediaType(mediaType, Object.keys(readers));
  return read(bytes);
}

function readJson(bytes: Uint8Array): Decoded {
  try {
    return parseJson(utf8.decode(bytes), maxBodyDepth);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw badRequest(`couldn't get version/kind; json parse error: ${error.message}`, error);
  }
}

/** 415, in Kubernetes' words. */
export function unsupportedMediaType(mediaType: string, supported: readonly string[]): ApiError {
  return new ApiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${supported.join(', ')}`,
    { cause: mediaType },
  );
}

/** The body's own part of the error for what could not be decoded at all: its beginning, or its bytes in hex. */
export function unrecognizedBody(kind: string, error: Error, bytes: Uint8Array): ApiError {
  const shown = bytes.subarray(0, 30);
  const summary =
    bytes.length === 0
      ? '<empty>'
      : (bytes[0] === 123 ? utf8.decode(shown) : shown.reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), '')) +
        (bytes.length > 30 ? ' ...' : '');
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${error.message} (${summary})`, error);
}
