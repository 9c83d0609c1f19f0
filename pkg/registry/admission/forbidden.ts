import { ApiError, qualifiedResource } from '../../api/errors.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import type { AdmissionAttempt } from '../contract.ts';

/** How an admission says no. */
export function forbidden({ declaration, key }: AdmissionAttempt, why: string, causes?: readonly StatusCause[]): ApiError {
  const { group, resource } = declaration;
  const name = key.name === '' ? 'Unknown' : key.name;
  return new ApiError('Forbidden', `${qualifiedResource(declaration)} "${name}" is forbidden: ${why}`, {
    details: { name, ...(group === '' ? {} : { group }), kind: resource, ...(causes ? { causes } : {}) },
  });
}
