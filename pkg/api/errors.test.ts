import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  alreadyExists,
  badRequest,
  conflict,
  invalid,
  isAlreadyExists,
  isApiError,
  isConflict,
  isExpired,
  isInvalid,
  isNotFound,
  notFound,
} from './errors.ts';

const pods = { group: '', resource: 'pods' };
const deployments = { group: 'apps', resource: 'deployments' };

describe('ApiError', () => {
  it('is worded as Kubernetes words it', () => {
    assert.equal(notFound(pods, 'a').message, 'pods "a" not found');
    assert.equal(alreadyExists(deployments, 'a').message, 'deployments.apps "a" already exists');
    assert.equal(conflict(deployments, 'a', 'why').message, 'Operation cannot be fulfilled on deployments.apps "a": why');
    const one = { reason: 'FieldValueRequired', field: 'spec.x', message: 'Required value' };
    assert.equal(invalid({ group: '', kind: 'Pod' }, 'a', [one]).message, 'Pod "a" is invalid: spec.x: Required value');
    assert.equal(
      invalid({ group: 'apps', kind: 'Deployment' }, 'a', [one, { ...one, field: 'spec.y' }]).message,
      'Deployment.apps "a" is invalid: [spec.x: Required value, spec.y: Required value]',
    );
  });

  it('fixes the HTTP status by its reason, and comes back as it was from its Status', () => {
    for (const error of [
      notFound(pods, 'a'),
      alreadyExists(pods, 'a'),
      conflict(pods, 'a', 'b'),
      badRequest('x'),
      new ApiError('TooManyRequests', 'slow down'),
    ]) {
      const status = error.toStatus();
      const back = ApiError.fromStatus(JSON.parse(JSON.stringify(status)), 200);
      assert.equal(back.reason, error.reason);
      assert.equal(back.code, status.code);
      assert.deepEqual(back.toStatus(), JSON.parse(JSON.stringify(status)));
    }
    assert.equal(notFound(pods, 'a').code, 404);
    assert.equal(new ApiError('Expired', 'x').code, 410);
  });

  it('is told by predicates, not by class', () => {
    assert.ok(isNotFound(notFound(pods, 'a')));
    assert.ok(isConflict(conflict(pods, 'a', 'b')));
    assert.ok(isAlreadyExists(alreadyExists(pods, 'a')));
    assert.ok(isInvalid(invalid({ group: '', kind: 'Pod' }, 'a', [])));
    assert.ok(isExpired(new ApiError('Gone', 'x')) && isExpired(new ApiError('Expired', 'x')));
    assert.ok(!isNotFound(new Error('not found')));
    assert.ok(isApiError(badRequest('x')));
  });

  it('makes sense of a status that says little', () => {
    assert.equal(ApiError.fromStatus({}, 404).reason, 'NotFound');
    assert.equal(ApiError.fromStatus({ reason: 'Nonsense' }, 418).reason, 'Unknown');
    assert.equal(ApiError.fromStatus({}, 418).code, 418);
  });
});
