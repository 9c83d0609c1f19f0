import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { evaluateText, type Self } from './testing/evaluate-text.ts';

const table = (name: string, cases: readonly (readonly [string, string])[], self?: Self): void => {
  suite(name, () => {
    for (const [source, expected] of cases) test(source, () => assert.equal(evaluateText(source, self), expected));
  });
};

table('literals and operators', [
  ['1 + 2 * 3 - 4 / 2 % 3', '5'],
  ['(1 + 2) * 3', '9'],
  ['-9223372036854775808', '-9223372036854775808'],
  ['0x7fffffffffffffff', '9223372036854775807'],
  ['9223372036854775808', 'fault: 1:1: Syntax error: invalid int literal'],
  ['5u', '5u'],
  ['.5 + 1e3', '1000.5'],
  ['"a\\n\\u00e9\\x41\\101" + r"\\n"', JSON.stringify('a\néAA\\n')],
  ['"""a\n"b" """', JSON.stringify('a\n"b" ')],
  ['b\'\\xff\' + b"é"', 'b[255 195 169]'],
  ['!!true', 'true'],
  ['--5', '5'],
  ['true ? 1 : 2', '1'],
  ['false ? 1 : true ? 2 : 3', '2'],
  ['1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3 && 1 != 2', 'true'],
  ['[1, 2, 3][1]', '2'],
  ['{"a": 1, "b": 2}["b"]', '2'],
  ['{"a": {"b": 3}}.a.b', '3'],
  ['2 in [1, 2] && !("x" in {"y": 1})', 'true'],
  ['[1] + [2, 3]', '[1, 2, 3]'],
  ['1 // a comment\n + 1', '2'],
]);

table('integers have 64 bits', [
  ['9223372036854775807 + 1', 'error: integer overflow'],
  ['-9223372036854775808 - 1', 'error: integer overflow'],
  ['4611686018427387904 * 2', 'error: integer overflow'],
  ['-9223372036854775808 / -1', 'error: integer overflow'],
  ['0u - 1u', 'error: unsigned integer overflow'],
  ['18446744073709551615u + 1u', 'error: unsigned integer overflow'],
  ['9007199254740993 - 1', '9007199254740992'],
  ['1 / 0', 'error: division by zero'],
  ['1 % 0', 'error: modulus by zero'],
  ['-7 / 2', '-3'],
  ['-7 % 2', '-1'],
  ['1.0 / 0.0', 'Infinity'],
]);

table('numbers compare across types, and are equal across types where types are not known', [
  ['1 < 1.5 && 2u > 1 && 2.0 >= 2u', 'true'],
  ['9223372036854775807 < 9223372036854775808.0', 'false'],
  ['dyn(1) == 1.0 && dyn(1u) == 1', 'true'],
  ['1 == 1.0', "fault: 1:3: found no matching overload for '_==_' applied to '(int, double)'"],
  ['dyn(1) == "1"', 'false'],
  ['1 in [dyn(1.0)]', 'true'],
  ['{1: "a"}[dyn(1.0)]', '"a"'],
  ['[1, 2] == [dyn(1.0), 2]', 'true'],
  ['double("NaN") < 1.0', 'error: NaN values cannot be ordered'],
]);

table('an operand that decides makes errors in the other irrelevant', [
  ['1 / 0 > 1 || true', 'true'],
  ['true || 1 / 0 > 1', 'true'],
  ['false && 1 / 0 > 1', 'false'],
  ['1 / 0 > 1 && false', 'false'],
  ['1 / 0 > 1 || false', 'error: division by zero'],
  ['[0, 1].exists(x, 1 / x == 1)', 'true'],
  ['[0, 1].all(x, 1 / x == 2)', 'false'],
  ['[0, 1].all(x, 1 / x == 1)', 'error: division by zero'],
]);

table('macros', [
  ['[1, 2, 3].all(x, x > 0)', 'true'],
  ['[].exists(x, x)', 'false'],
  ['[1, 2, 2].exists_one(x, x == 2)', 'false'],
  ['[1, 2, 2].existsOne(x, x == 1)', 'true'],
  ['[1, 2, 3].filter(x, x % 2 == 1)', '[1, 3]'],
  ['[1, 2, 3].map(x, x * x)', '[1, 4, 9]'],
  ['[1, 2, 3].map(x, x > 1, x * x)', '[4, 9]'],
  ['{"a": 1, "b": 2}.map(k, k)', '["a", "b"]'],
  ['{"a": 1, "b": 2}.all(k, v, k != "" && v > 0)', 'true'],
  ['[3, 4].exists(i, v, i == 1 && v == 4)', 'true'],
  ['[3, 4].transformList(i, v, i + v)', '[3, 5]'],
  ['[3, 4].transformList(i, v, i > 0, v)', '[4]'],
  ['{"a": 1}.transformMap(k, v, v + 1)', '{"a": 2}'],
  ['["x", "y"].transformMap(i, v, i > 0, v)', '{1: "y"}'],
  ['{"a": "b"}.transformMapEntry(k, v, {v: k})', '{"b": "a"}'],
  ['["a", "a"].transformMapEntry(i, v, {v: i})', 'error: insert failed: key a already exists'],
  ['[[1, 2], [3]].map(x, x.map(y, y + size(x)))', '[[3, 4], [4]]'],
  ['cel.bind(x, 2, cel.bind(y, x + 1, x * y))', '6'],
  ['[1].all(x.y, true)', 'fault: 1:10: argument must be a simple name'],
  ['has(1)', 'fault: 1:5: invalid argument to has() macro'],
]);

table('optionals', [
  ['optional.of(1).value()', '1'],
  ['optional.none().orValue(2)', '2'],
  ['optional.none().value()', 'error: optional.none() dereference'],
  ['optional.ofNonZeroValue("").hasValue()', 'false'],
  ['optional.none().or(optional.of(3))', 'optional(3)'],
  ['{"a": {"b": 1}}.?a.?b', 'optional(1)'],
  ['{"a": {"b": 1}}.?x.b.orValue(7)', '7'],
  ['[1, 2][?5]', 'none'],
  ['{"a": 1}[?"a"].orValue(0)', '1'],
  ['[?optional.none(), ?optional.of(1)]', '[1]'],
  ['{?"a": optional.none(), ?"b": optional.of(2)}', '{"b": 2}'],
  ['optional.of(2).optMap(x, x * 2)', 'optional(4)'],
  ['optional.none().optMap(x, x)', 'none'],
  ['optional.of(2).optFlatMap(x, optional.none())', 'none'],
  ['[optional.of(1), optional.none()].unwrapOpt()', '[1]'],
  ['has({"a": 1}.?a.b) || true', "fault: 1:4: type 'int' does not support field selection"],
]);

table('conversions', [
  ['int("-12") + int(3.9) + int(4u)', '-5'],
  ['int("x")', 'error: strconv.ParseInt: parsing "x": invalid syntax'],
  ['int(1e300)', 'error: integer overflow'],
  ['int(-9223372036854775808.0)', 'error: integer overflow'],
  ['int(-0.5)', '0'],
  ['uint(-0.5)', '0u'],
  ['uint(-1)', 'error: unsigned integer overflow'],
  ['double("1.5e3")', '1500.0'],
  ['string(1) + string(1.5) + string(true) + string(2u)', '"11.5true2"'],
  ['string(1e21)', '"1e+21"'],
  ['string(0.00001)', '"1e-05"'],
  ['string(b"\\xff")', 'error: invalid UTF-8 in bytes, cannot convert to string'],
  ['bytes("é")', 'b[195 169]'],
  ['bool("true") && !bool("F")', 'true'],
  ['type(1) == int && type("") == string && type([]) == list && type({}) == map', 'true'],
  ['type(timestamp("2024-01-01T00:00:00Z")) == google.protobuf.Timestamp', 'true'],
  ['type(type(1)) == type', 'true'],
]);

table('time', [
  ['timestamp("2024-02-29T12:30:45.123456789Z") + duration("24h")', '2024-03-01T12:30:45.123456789Z'],
  ['timestamp("2024-03-01T00:00:00+02:00")', '2024-02-29T22:00:00Z'],
  ['timestamp("2023-02-29T00:00:00Z")', 'fault: 1:11: invalid timestamp argument'],
  ['timestamp(0) == timestamp("1970-01-01T00:00:00Z")', 'true'],
  ['int(timestamp("1969-12-31T23:59:59.5Z"))', '-1'],
  ['timestamp("9999-12-31T23:59:59Z") + duration("1s")', 'error: timestamp overflow'],
  ['timestamp("2024-01-02T00:00:00Z") - timestamp("2024-01-01T00:00:00Z")', '86400s'],
  ['duration("1h30m").getMinutes()', '90'],
  ['duration("-1.5s").getMilliseconds()', '-1500'],
  ['duration("100ms") < duration("1s")', 'true'],
  ['duration("1 day")', 'fault: 1:10: invalid duration argument'],
  ['duration("2562048h")', 'fault: 1:10: invalid duration argument'],
  ['timestamp("2024-01-01T03:00:00Z").getHours("America/New_York")', '22'],
  ['timestamp("2024-01-01T03:00:00Z").getDayOfYear("America/New_York")', '364'],
  ['timestamp("2024-01-01T03:00:00Z").getHours("-02:00")', '1'],
  ['timestamp("2024-01-07T03:04:05.006Z").getDayOfWeek()', '0'],
  ['timestamp("2024-01-07T03:04:05.006Z").getDate()', '7'],
  ['timestamp("2024-01-07T03:04:05.006Z").getDayOfMonth()', '6'],
  ['timestamp("2024-01-07T03:04:05.006Z").getMonth()', '0'],
  ['timestamp("2024-01-07T03:04:05.006Z").getMilliseconds()', '6'],
  ['timestamp("2024-01-07T03:04:05Z").getHours("Mars/Olympus")', 'error: unknown time zone Mars/Olympus'],
]);

table('regular expressions are RE2: no look-around, and matches are leftmost first', [
  ['"abc".matches("^a.c$") && matches("xaby", "ab")', 'true'],
  ['"a".matches("(?=a)")', 'fault: 1:13: invalid matches argument'],
  ['"a1b22".find("[0-9]+")', '"1"'],
  ['"abc".find("x")', '""'],
  ['"a1b22".findAll("[0-9]+")', '["1", "22"]'],
  ['"a1b22".findAll("[0-9]", 2)', '["1", "2"]'],
  ['"abab".find("a|ab")', '"a"'],
  ['"aaa".find("a+?")', '"a"'],
  ['"foo bar".findAll("\\\\b\\\\w")', '["f", "b"]'],
  ['"abc".findAll("")', '["", "", "", ""]'],
  ['"😀é".findAll(".")', '["😀", "é"]'],
  ['"x".find("[")', 'error: Illegal regex: error parsing regexp: missing closing ]: `[`'],
]);

table('types', [
  ['x', "fault: 1:1: undeclared reference to 'x' (in container '')"],
  ['f(1)', "fault: 1:2: undeclared reference to 'f' (in container '')"],
  ['"a" + 1', "fault: 1:5: found no matching overload for '_+_' applied to '(string, int)'"],
  ['"a".startsWith(1)', "fault: 1:15: found no matching overload for 'startsWith' applied to 'string.(int)'"],
  ['[1, "a"]', "fault: 1:5: expected type 'int' but found 'string'"],
  ['{"a": 1, 2: 3}', "fault: 1:10: expected type 'string' but found 'int'"],
  ['1 && true', "fault: 1:1: expected type 'bool' but found 'int'"],
  ['[1].all(x, x)', "fault: 1:12: expected type 'bool' but found 'int'"],
  ['1.all(x, x)', "fault: 1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"],
  ['true ? 1 : "a"', "fault: 1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'"],
  [
    '1 +',
    "fault: 1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
  ],
  ['1 1', "fault: 1:3: Syntax error: extraneous input '1' expecting <EOF>"],
  ['@', "fault: 1:1: Syntax error: token recognition error at: '@'"],
  ['if', 'fault: 1:1: Syntax error: reserved identifier: if'],
  ['[] == [1]', 'false'],
  ['[].map(x, x) == {}', "fault: 1:14: found no matching overload for '_==_' applied to '(list(dyn), map(dyn, dyn))'"],
]);

test('nesting has a limit, and so has length', () => {
  assert.match(evaluateText(`${'('.repeat(300)}1${')'.repeat(300)}`), /expression recursion limit exceeded: 250/);
  assert.match(evaluateText(`"${'x'.repeat(100_001)}"`), /expression code point size exceeds limit: size: 100003, limit 100000/);
  assert.equal(evaluateText(`${'1 + '.repeat(800)}1`), '801');
});

const properties = {
  name: { type: 'string' },
  'a-b': { type: 'string' },
  'x.y/z': { type: 'string' },
  __odd: { type: 'string' },
  namespace: { type: 'string' },
  '1st': { type: 'string' },
  count: { type: 'integer' },
  ratio: { type: 'number' },
  port: { 'x-kubernetes-int-or-string': true },
  data: { type: 'string', format: 'byte' },
  since: { type: 'string', format: 'date-time' },
  day: { type: 'string', format: 'date' },
  wait: { type: 'string', format: 'duration' },
  maybe: { type: 'string', nullable: true },
  labels: { type: 'object', additionalProperties: { type: 'string' } },
  set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
  keyed: {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
    items: { type: 'object', properties: { k: { type: 'string' }, v: { type: 'integer' } } },
  },
  open: { 'x-kubernetes-preserve-unknown-fields': true },
  loose: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: { type: 'string' } } },
  embedded: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
};
const value = {
  name: 'n',
  'a-b': 'dash',
  'x.y/z': 'path',
  __odd: 'odd',
  namespace: 'ns',
  count: 9007199254740993n,
  ratio: 2,
  port: '80%',
  data: 'AQI=',
  since: '2024-01-02T03:04:05Z',
  day: '2024-01-02',
  wait: '90s',
  maybe: null,
  labels: { 'a.b/c': 'x' },
  set: ['a', 'b'],
  keyed: [
    { k: 'x', v: 1 },
    { k: 'y', v: 2 },
  ],
  loose: { known: 'k', unknown: 'u' },
  embedded: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: {} },
};

table(
  'values have the types of their schema',
  [
    ['self.name', '"n"'],
    ['self.a__dash__b + self.x__dot__y__slash__z + self.__underscores__odd + self.__namespace__', '"dashpathoddns"'],
    ['self.count + 1', '9007199254740994'],
    ['self.ratio', '2.0'],
    ['self.ratio == 2', "fault: 1:12: found no matching overload for '_==_' applied to '(double, int)'"],
    ['type(self.port) == string && self.port.endsWith("%")', 'true'],
    ['self.port > 5', 'error: no such overload'],
    ['self.data == b"\\x01\\x02"', 'true'],
    ['self.since.getFullYear() == self.day.getFullYear()', 'true'],
    ['self.wait == duration("1m30s")', 'true'],
    ['self.maybe.startsWith("x")', 'error: no such overload'],
    ['dyn(self.maybe) == null', 'true'],
    ['self.labels["a.b/c"]', '"x"'],
    ['"a.b/c" in self.labels', 'true'],
    ['self.labels.missing', 'error: no such key: missing'],
    ['has(self.labels.missing)', 'false'],
    ['self.set == ["b", "a"]', 'true'],
    ['self.set + ["b", "c"]', '["a", "b", "c"]'],
    ['self.set[1]', '"b"'],
    ['self.keyed.exists(e, e.k == "y" && e.v == 2)', 'true'],
    ['self.keyed == self.keyed', 'true'],
    ['self.open', "fault: 1:5: undefined field 'open'"],
    ['self.loose.unknown', "fault: 1:11: undefined field 'unknown'"],
    ['self.loose.known', '"k"'],
    ['self.loose == self.loose', 'true'],
    ['self.embedded.metadata.name + self.embedded.kind + self.embedded.apiVersion', '"pPodv1"'],
    ['self.embedded.spec', "fault: 1:14: undefined field 'spec'"],
    ['self.embedded.metadata.labels', "fault: 1:23: undefined field 'labels'"],
    ['self.apiVersion', "fault: 1:5: undefined field 'apiVersion'"],
  ],
  { schema: { type: 'object', properties }, value },
);
