import { ApiError, isApiError } from '../../api/errors.ts';
import { isStoreError } from '../../storage/store.ts';

/** What the API says when the store cannot do its part. Anything else is handed on as it is. */
export function storeFailure(error: unknown): unknown {
  if (isApiError(error) || !isStoreError(error)) return error;
  switch (error.code) {
    case 'Compacted':
      return new ApiError('Expired', 'The resourceVersion for the provided list is too old.', { cause: error });
    case 'FutureRevision':
      return new ApiError('Timeout', `Timeout: Too large resource version: ${error.message}`, { cause: error });
    case 'Unknown':
      return new ApiError('ServerTimeout', `the store did not say whether the write took place: ${error.message}`, { cause: error });
    case 'Unavailable':
    case 'Closed':
    case 'SlowWatcher':
      return new ApiError('ServiceUnavailable', `the store does not answer: ${error.message}`, { cause: error });
    case 'Invalid':
      return new ApiError('BadRequest', error.message, { cause: error });
    default:
      return new ApiError('InternalError', `the store failed: ${error.message}`, { cause: error });
  }
}

/**
 * K8s' `NewTooLargeResourceVersionError`: the reader asks for a revision that this server has not seen yet. It is told
 * to come back where waiting can help: not when it is that very revision it wants, and the store has none.
 */
export function tooLargeResourceVersion(asked: number, current: number, retryAfterSeconds?: number): ApiError {
  return new ApiError('Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  });
}

export async function* withoutStoreErrors<T>(events: AsyncIterable<T>): AsyncGenerator<T, void> {
  try {
    yield* events;
  } catch (error) {
    throw storeFailure(error);
  }
}
