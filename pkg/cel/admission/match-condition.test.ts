import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchConditionFault } from './match-condition.ts';

test('a condition may name the objects and what is known of the request, and must give a truth value', () => {
  for (const good of [
    'true',
    "object.metadata.namespace == 'default'",
    "request.operation in ['CREATE', 'UPDATE'] && !request.dryRun",
    "!('system:nodes' in request.userInfo.groups) && request.userInfo.extra['scopes'].exists(s, s == 'a')",
    "request.resource.group == 'apps' || has(oldObject.spec)",
    "authorizer.group('').resource('pods').check('get').allowed()",
  ]) {
    assert.equal(matchConditionFault(good, 'webhook'), undefined, good);
  }
  assert.match(matchConditionFault('... [] bad expression', 'webhook') ?? '', /^compilation failed: ERROR: <input>:1:1: Syntax error/);
  assert.match(matchConditionFault("authorizer.group('", 'webhook') ?? '', /^compilation failed: ERROR: <input>:1:18: /);
  assert.match(matchConditionFault('request.nobody == 1', 'webhook') ?? '', /undefined field 'nobody'/);
  assert.match(matchConditionFault('request.userInfo.username > 1', 'webhook') ?? '', /no matching overload/);
  assert.equal(matchConditionFault('object.spec', 'webhook'), 'must evaluate to bool');
  assert.equal(matchConditionFault("'yes'", 'webhook'), 'must evaluate to bool');
});

test('only a policy has parameters and the namespace', () => {
  assert.match(matchConditionFault('params.x == 1', 'webhook') ?? '', /undeclared reference to 'params'/);
  assert.equal(matchConditionFault("params.x == namespaceObject.metadata.labels['x']", 'policy'), undefined);
});
