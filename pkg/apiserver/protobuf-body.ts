import { ApiError } from '../api/errors.ts';
import type { Kind } from './request-body.ts';

const mediaType = 'application/vnd.kubernetes.protobuf';

export function decodeProtobufObject(_bytes: Uint8Array, [, , kind]: Kind): unknown {
  throw new ApiError('UnsupportedMediaType', `the body of the request was in an unknown format: ${mediaType} of ${kind}`);
}

export function encodeProtobufObject(_object: unknown): Uint8Array {
  throw new ApiError('NotAcceptable', `${mediaType} is not offered`);
}

export function protobufWatchFrame(_type: string, _object: unknown): Uint8Array {
  throw new ApiError('NotAcceptable', `${mediaType} is not offered`);
}
