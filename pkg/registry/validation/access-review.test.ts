import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Raw } from '../raw.ts';
import { validateAccessReview } from './access-review.ts';

const pods = { namespace: 'default', verb: 'get', resource: 'pods' };
const said = (spec: Raw, asked: Parameters<typeof validateAccessReview>[1]): string[] =>
  validateAccessReview(spec, asked).map(({ field, message }) => `${field}: ${message}`);

test('a question is about a resource or a path, and about somebody', () => {
  assert.deepEqual(said({ resourceAttributes: pods }, { metadata: {} }), []);
  assert.deepEqual(said({}, { metadata: {}, about: 'anybody' }), [
    'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    'spec.user: Invalid value: "": at least one of user or group must be specified',
  ]);
  assert.deepEqual(said({ resourceAttributes: pods, nonResourceAttributes: { path: '/' } }, { metadata: { name: 'x' } }), [
    'spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":""}: cannot be specified in combination with resourceAttributes',
    'metadata: Invalid value: {"name":"x"}: must be empty',
  ]);
});

test('a question in a namespace is about that namespace', () => {
  const here = { metadata: { namespace: 'default' }, about: 'anybody here' } as const;
  assert.deepEqual(said({ user: 'u', resourceAttributes: pods }, here), []);
  assert.deepEqual(said({ user: 'u', resourceAttributes: { ...pods, namespace: 'other' } }, here), [
    'spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
  ]);
});

test('a selector is written out or taken apart, and operators of newer clients are let be', () => {
  const at = 'spec.resourceAttributes.labelSelector';
  const asking = (labelSelector: object): string[] => said({ resourceAttributes: { ...pods, labelSelector } }, { metadata: {} });
  assert.deepEqual(asking({ requirements: [{ key: 'a', operator: 'Newer' }] }), []);
  assert.deepEqual(asking({}), [`${at}.requirements: Required value: when ${at} is specified, requirements or rawSelector is required`]);
  assert.deepEqual(asking({ rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'In' }] }), [
    `${at}.rawSelector: Invalid value: "a=b": may not specified at the same time as requirements`,
    `${at}.requirements[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
  ]);
});
