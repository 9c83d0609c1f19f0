/** Schemas as operators ship them, heavy with rules: taken whole, and asked about objects that are right and wrong. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JSONSchemaProps, ValidationRule } from '../../api/generated/apiextensions-v1.ts';
import { compileRules, ruleFaults } from '../cel.ts';

const text = (maxLength: number, ...rules: ValidationRule[]): JSONSchemaProps => ({
  type: 'string',
  maxLength,
  'x-kubernetes-validations': rules,
});
const integer: JSONSchemaProps = { type: 'integer' };
const object = (properties: Readonly<Record<string, JSONSchemaProps>>, ...rules: ValidationRule[]): JSONSchemaProps => ({
  type: 'object',
  properties,
  'x-kubernetes-validations': rules,
});
const list = (maxItems: number, items: JSONSchemaProps, ...rules: ValidationRule[]): JSONSchemaProps => ({
  type: 'array',
  maxItems,
  items,
  'x-kubernetes-validations': rules,
});
const root = (spec: JSONSchemaProps): JSONSchemaProps => ({ type: 'object', properties: { spec } });

function cases(schema: JSONSchemaProps, table: readonly (readonly [string, object, readonly string[], object?])[]): void {
  test('its rules are accepted', () => assert.deepEqual(ruleFaults(schema, 'schema'), []));
  for (const [name, spec, expected, old] of table) {
    test(name, () => {
      const found = compileRules(schema)?.validate({ metadata: { name: 'x' }, spec }, old && { metadata: { name: 'x' }, spec: old });
      assert.deepEqual(
        found?.map(({ field, message }) => `${field}: ${message}`),
        expected,
      );
    });
  }
}

suite('a route of a gateway', () => {
  const characters = "must only contain valid characters (matching ^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$)";
  const match = object({
    path: object(
      { type: { type: 'string', enum: ['Exact', 'PathPrefix', 'RegularExpression'] }, value: text(1024) },
      { rule: "self.type in ['Exact', 'PathPrefix'] ? self.value.startsWith('/') : true", message: "value must start with '/'" },
      {
        rule: "self.type == 'PathPrefix' ? !self.value.contains('//') && !self.value.contains('/./') && !self.value.endsWith('/..') : true",
        message: "must not contain '//', '/./' or '/..'",
      },
      {
        rule: `self.type in ['Exact','PathPrefix'] ? self.value.matches(r"""^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$""") : true`,
        message: characters,
      },
    ),
    headers: list(16, object({ name: text(256), value: text(4096) })),
  });
  const filter = object(
    {
      type: { type: 'string', enum: ['RequestRedirect', 'RequestHeaderModifier'] },
      requestRedirect: object({ hostname: text(253), statusCode: integer }),
      requestHeaderModifier: object({ remove: list(16, text(64)) }),
    },
    {
      rule: "!(has(self.requestRedirect) && self.type != 'RequestRedirect')",
      message: 'filter.requestRedirect must be nil if the filter.type is not RequestRedirect',
    },
    {
      rule: "!(!has(self.requestRedirect) && self.type == 'RequestRedirect')",
      message: 'filter.requestRedirect must be specified for RequestRedirect filter.type',
    },
  );
  const rule = object(
    {
      matches: list(8, match),
      filters: list(16, filter, {
        rule: "self.filter(f, f.type == 'RequestRedirect').size() <= 1",
        message: 'RequestRedirect filter cannot be repeated',
      }),
      backendRefs: list(16, object({ name: text(253), namespace: text(63), port: integer, weight: integer })),
      timeouts: object(
        { request: text(32, { rule: "self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')" }), backendRequest: text(32) },
        {
          rule: "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))",
          message: 'backendRequest timeout cannot be longer than request timeout',
        },
      ),
    },
    {
      rule: '(has(self.backendRefs) && size(self.backendRefs) > 0) ? (!has(self.filters) || self.filters.all(f, !has(f.requestRedirect))) : true',
      message: 'RequestRedirect filter must not be used together with backendRefs',
    },
  );
  const schema = root(
    object({
      parentRefs: list(32, object({ group: text(253), kind: text(63), name: text(253), namespace: text(63), sectionName: text(253) }), {
        rule: "self.all(p1, self.exists_one(p2, p1.name == p2.name && (((!has(p1.__namespace__) || p1.__namespace__ == '') && (!has(p2.__namespace__) || p2.__namespace__ == '')) || (has(p1.__namespace__) && has(p2.__namespace__) && p1.__namespace__ == p2.__namespace__)) && (((!has(p1.sectionName) || p1.sectionName == '') && (!has(p2.sectionName) || p2.sectionName == '')) || (has(p1.sectionName) && has(p2.sectionName) && p1.sectionName == p2.sectionName))))",
        message: 'sectionName must be unique when parentRefs includes 2 or more references to the same parent',
      }),
      rules: list(16, rule, {
        rule: 'self.map(r, has(r.matches) ? r.matches.size() : 1).sum() <= 128',
        message:
          'While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128',
      }),
    }),
  );
  const ok = { path: { type: 'PathPrefix', value: '/a' } };
  cases(schema, [
    [
      'a route that is right',
      { parentRefs: [{ name: 'a' }, { name: 'b', namespace: 'x' }], rules: [{ matches: [ok], backendRefs: [{ name: 's', port: 80 }] }] },
      [],
    ],
    [
      'paths that are none',
      {
        rules: [
          {
            matches: [
              { path: { type: 'Exact', value: 'a b' } },
              { path: { type: 'PathPrefix', value: '/a//b' } },
              { path: { type: 'RegularExpression', value: 'a b' } },
            ],
          },
        ],
      },
      [
        "spec.rules[0].matches[0].path: Invalid value: value must start with '/'",
        `spec.rules[0].matches[0].path: Invalid value: ${characters}`,
        "spec.rules[0].matches[1].path: Invalid value: must not contain '//', '/./' or '/..'",
      ],
    ],
    [
      'a union with two members, and a redirect beside a backend',
      {
        rules: [
          {
            filters: [
              { type: 'RequestRedirect', requestRedirect: {} },
              { type: 'RequestHeaderModifier', requestRedirect: {} },
            ],
            backendRefs: [{ name: 's' }],
          },
        ],
      },
      [
        'spec.rules[0]: Invalid value: RequestRedirect filter must not be used together with backendRefs',
        'spec.rules[0].filters[1]: Invalid value: filter.requestRedirect must be nil if the filter.type is not RequestRedirect',
      ],
    ],
    [
      'timeouts',
      {
        rules: [
          { timeouts: { request: '1s', backendRequest: '1m' } },
          { timeouts: { request: '5x' } },
          { timeouts: { request: '0s', backendRequest: '1m' } },
        ],
      },
      [
        'spec.rules[0].timeouts: Invalid value: backendRequest timeout cannot be longer than request timeout',
        `spec.rules[1].timeouts.request: Invalid value: "5x": failed rule: self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')`,
      ],
    ],
    [
      'the same parent twice',
      { parentRefs: [{ name: 'a' }, { name: 'a', namespace: '' }] },
      ['spec.parentRefs: Invalid value: sectionName must be unique when parentRefs includes 2 or more references to the same parent'],
    ],
    [
      'too many matches in all',
      { rules: Array.from({ length: 16 }, () => ({ matches: Array.from({ length: 9 }, () => ok) })) },
      [
        'spec.rules: Invalid value: While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128',
      ],
    ],
  ]);
});

suite('a pool of nodes', () => {
  const label = '^([a-zA-Z0-9]([-a-zA-Z0-9_.]*[a-zA-Z0-9])?/)?[a-zA-Z0-9]([-a-zA-Z0-9_.]*[a-zA-Z0-9])?$';
  const schema = root(
    object(
      {
        limits: {
          type: 'object',
          maxProperties: 10,
          additionalProperties: { 'x-kubernetes-int-or-string': true, maxLength: 20 },
          'x-kubernetes-validations': [
            {
              rule: 'self.all(k, type(self[k]) == int ? self[k] >= 0 : sign(quantity(self[k])) >= 0)',
              message: 'limits cannot be negative',
            },
          ],
        },
        labels: {
          type: 'object',
          maxProperties: 50,
          additionalProperties: text(63),
          'x-kubernetes-validations': [
            {
              rule: "self.all(x, x in ['topology.kubernetes.io/zone'] || !x.find('^([^/]+)').endsWith('kubernetes.io'))",
              message: 'label domain "kubernetes.io" is restricted',
            },
            { rule: "self.all(x, x != 'kubernetes.io/hostname')", message: 'label "kubernetes.io/hostname" is restricted' },
          ],
        },
        requirements: list(
          100,
          object({
            key: text(316, { rule: `self.matches(r'${label}')` }),
            operator: { type: 'string', enum: ['In', 'NotIn', 'Exists', 'Gt'] },
            values: list(50, text(63)),
            minValues: integer,
          }),
          {
            rule: "self.all(x, x.operator == 'In' ? x.values.size() != 0 : true)",
            message: "requirements with operator 'In' must have a value defined",
          },
          {
            rule: "self.all(x, x.operator == 'Gt' ? (x.values.size() == 1 && int(x.values[0]) >= 0) : true)",
            message: "requirements operator 'Gt' must have a single positive integer value",
          },
          {
            rule: "self.all(x, (x.operator == 'In' && has(x.minValues)) ? x.values.size() >= x.minValues : true)",
            message: "requirements with 'minValues' must have at least that many values specified in the 'values' field",
          },
        ),
        class: {
          ...object(
            { group: text(63), kind: text(63), name: text(63) },
            { rule: 'self.group == oldSelf.group', message: 'class.group is immutable' },
            { rule: "self.name != ''", message: 'name may not be empty' },
          ),
        },
        expireAfter: text(20, {
          rule: "self == 'Never' || duration(self) >= duration('5m')",
          messageExpression: '"expireAfter is " + self + ", at least 5m is needed"',
        }),
        cidrs: list(8, text(43, { rule: 'isCIDR(self) && cidr(self).masked() == cidr(self)', message: 'must be a network' })),
        version: text(
          32,
          { rule: 'isSemver(self, true)' },
          { rule: 'semver(self, true).compareTo(semver(oldSelf, true)) >= 0', message: 'no way back' },
        ),
      },
      {
        rule: 'has(self.class) || !has(oldSelf.class)',
        message: 'class may not be removed',
        fieldPath: '.class',
        reason: 'FieldValueRequired',
      },
      {
        rule: '!has(self.cidrs) || self.cidrs.all(a, self.cidrs.filter(b, cidr(a).containsCIDR(b)).size() == 1)',
        message: 'networks overlap',
        fieldPath: '.cidrs',
      },
    ),
  );
  const cls = { group: 'g', kind: 'C', name: 'n' };
  cases(schema, [
    [
      'a pool that is right',
      {
        limits: { cpu: 10, memory: '10Gi' },
        labels: { 'example.com/team': 'a', 'topology.kubernetes.io/zone': 'z' },
        requirements: [
          { key: 'a.b/c', operator: 'In', values: ['x'], minValues: 1 },
          { key: 'n', operator: 'Gt', values: ['3'] },
        ],
        class: cls,
        expireAfter: 'Never',
        cidrs: ['10.0.0.0/8', '192.168.0.0/16', 'fd00::/8'],
        version: 'v1.2',
      },
      [],
    ],
    [
      'limits, labels and requirements',
      {
        limits: { cpu: '-1' },
        labels: { 'kubernetes.io/hostname': 'x' },
        requirements: [
          { key: '-', operator: 'In', values: [] },
          { key: 'n', operator: 'Gt', values: ['-3'] },
          { key: 'm', operator: 'In', values: ['a'], minValues: 2 },
        ],
      },
      [
        'spec.limits: Invalid value: limits cannot be negative',
        'spec.labels: Invalid value: label domain "kubernetes.io" is restricted',
        'spec.labels: Invalid value: label "kubernetes.io/hostname" is restricted',
        "spec.requirements: Invalid value: requirements with operator 'In' must have a value defined",
        "spec.requirements: Invalid value: requirements operator 'Gt' must have a single positive integer value",
        "spec.requirements: Invalid value: requirements with 'minValues' must have at least that many values specified in the 'values' field",
        `spec.requirements[0].key: Invalid value: "-": failed rule: self.matches(r'${label}')`,
      ],
    ],
    [
      'values that cannot be read are errors, and no exceptions',
      { limits: { cpu: 'lots' }, expireAfter: 'soon', version: 'one' },
      [
        `spec.limits: Invalid value: "object": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' evaluating rule: limits cannot be negative`,
        `spec.expireAfter: Invalid value: "string": type conversion error from 'string' to 'google.protobuf.Duration' evaluating rule: self == 'Never' || duration(self) >= duration('5m')`,
        'spec.version: Invalid value: "one": failed rule: isSemver(self, true)',
      ],
    ],
    [
      'a message that is computed',
      { expireAfter: '10s' },
      ['spec.expireAfter: Invalid value: "10s": expireAfter is 10s, at least 5m is needed'],
    ],
    [
      'networks',
      { cidrs: ['10.0.0.0/8', '10.1.0.0/16', '10.0.0.1/24'] },
      ['spec.cidrs: Invalid value: networks overlap', 'spec.cidrs[2]: Invalid value: "10.0.0.1/24": must be a network'],
    ],
    [
      'what may not change',
      { class: { ...cls, group: 'h' }, version: '1.1' },
      ['spec.class: Invalid value: class.group is immutable', 'spec.version: Invalid value: "1.1": no way back'],
      { class: cls, version: 'v1.2' },
    ],
    ['what may not go', {}, ['spec.class: Required value: class may not be removed'], { class: cls }],
  ]);
});

suite('a certificate', () => {
  const schema = root(
    object(
      {
        dnsNames: list(
          100,
          text(253, {
            rule: "!format.dns1123Subdomain().validate(self.startsWith('*.') ? self.substring(2) : self).hasValue()",
            message: 'must be a DNS name',
          }),
          { rule: 'self.distinct().size() == self.size()', message: 'names may not repeat' },
        ),
        uris: list(
          10,
          text(2048, { rule: "isURL(self) && url(self).getScheme() in ['https', 'spiffe']", message: 'must be an https or spiffe URI' }),
        ),
        ipAddresses: list(
          10,
          text(45, {
            rule: 'isIP(self) && ip.isCanonical(self) && !ip(self).isLoopback()',
            message: 'must be a canonical address that can be reached',
          }),
        ),
        duration: { type: 'string', format: 'duration' },
        renewBefore: { type: 'string', format: 'duration' },
        notBefore: { type: 'string', format: 'date-time' },
        notAfter: { type: 'string', format: 'date-time' },
        privateKey: object(
          { algorithm: { type: 'string', enum: ['RSA', 'ECDSA'] }, size: integer },
          {
            rule: "self.algorithm == 'RSA' ? self.size in [2048, 4096] : self.size in [256, 384]",
            messageExpression: "'%s keys of %d bits are not supported'.format([self.algorithm, self.size])",
            fieldPath: '.size',
          },
        ),
        ca: { type: 'string', format: 'byte', maxLength: 10_000 },
      },
      {
        rule: '(has(self.dnsNames) && self.dnsNames.size() > 0) || (has(self.uris) && self.uris.size() > 0) || self.?ipAddresses.orValue([]).size() > 0',
        message: 'at least one name is needed',
      },
      {
        rule: '!has(self.renewBefore) || !has(self.duration) || self.renewBefore < self.duration',
        message: 'renewBefore must be less than duration',
      },
      { rule: "!has(self.notAfter) || self.notAfter - self.notBefore <= duration('8784h')", message: 'at most a leap year' },
      { rule: "!has(self.ca) || string(self.ca).startsWith('-----BEGIN')", message: 'not PEM', fieldPath: '.ca' },
      { rule: "!has(self.notBefore) || self.notBefore.getDayOfWeek('Europe/Berlin') != 0", message: 'not on Sundays' },
    ),
  );
  cases(schema, [
    [
      'a certificate that is right',
      {
        dnsNames: ['*.example.com', 'example.com'],
        uris: ['spiffe://example.com/ns/x'],
        ipAddresses: ['2001:db8::1'],
        duration: '24h',
        renewBefore: '8h',
        notBefore: '2024-01-01T00:00:00Z',
        notAfter: '2024-12-31T00:00:00Z',
        privateKey: { algorithm: 'RSA', size: 4096 },
        ca: btoa('-----BEGIN CERTIFICATE-----'),
      },
      [],
    ],
    ['one without a name', {}, ['spec: Invalid value: at least one name is needed']],
    [
      'names and keys',
      {
        dnsNames: ['a_b', 'x', 'x'],
        uris: ['http://x'],
        ipAddresses: ['127.0.0.1', '2001:DB8::1'],
        privateKey: { algorithm: 'ECDSA', size: 2048 },
      },
      [
        'spec.dnsNames: Invalid value: names may not repeat',
        'spec.dnsNames[0]: Invalid value: "a_b": must be a DNS name',
        'spec.uris[0]: Invalid value: "http://x": must be an https or spiffe URI',
        'spec.ipAddresses[0]: Invalid value: "127.0.0.1": must be a canonical address that can be reached',
        'spec.ipAddresses[1]: Invalid value: "2001:DB8::1": must be a canonical address that can be reached',
        'spec.privateKey.size: Invalid value: ECDSA keys of 2048 bits are not supported',
      ],
    ],
    [
      'times',
      {
        dnsNames: ['x'],
        duration: '1h',
        renewBefore: '90m',
        notBefore: '2024-01-06T23:30:00Z',
        notAfter: '2026-01-01T00:00:00Z',
        ca: btoa('x'),
      },
      [
        'spec: Invalid value: renewBefore must be less than duration',
        'spec: Invalid value: at most a leap year',
        'spec.ca: Invalid value: not PEM',
        'spec: Invalid value: not on Sundays',
      ],
    ],
  ]);
});
