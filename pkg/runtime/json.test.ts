import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isApiError } from '../api/errors.ts';
import { encodeJson } from './encode.ts';
import { maxDepth, parseJson, stringifyJson } from './json.ts';

function messageOf(text: string): string | undefined {
  try {
    parseJson(text);
    return undefined;
  } catch (error) {
    assert.ok(isApiError(error, 'BadRequest'), String(error));
    return error.message;
  }
}

describe('JSON', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3, noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        assert.equal(stringifyJson(parseJson(text).value), text);
        assert.deepEqual(parseJson(text).duplicates, []);
      }),
    );
  });

  it('accepts and refuses exactly what JSON.parse does', () => {
    const text = fc.string({
      unit: fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ':',
        ',',
        '"',
        '\\',
        'u',
        'a',
        '1',
        '0',
        '-',
        '.',
        'e',
        'E',
        '+',
        ' ',
        '\n',
        'true',
        'null',
        '\u0001',
      ),
      maxLength: 24,
    });
    fc.assert(
      fc.property(text, (json) => {
        let expected: { value: unknown } | undefined;
        try {
          expected = { value: JSON.parse(json) };
        } catch {
          expected = undefined;
        }
        if (JSON.stringify(expected?.value)?.includes('null') && /[eE]/.test(json)) return; // an infinite number, refused below
        const refusal = messageOf(json);
        assert.equal(refusal === undefined, expected !== undefined, refusal ?? json);
        if (expected && !/\d{16}|[eE]/.test(json)) assert.deepEqual(parseJson(json).value, expected.value);
      }),
      { numRuns: 2000 },
    );
  });

  it('reports every key that stands twice, with its path, and lets the last one count', () => {
    const { value, duplicates } = parseJson('{"a":1,"b":[{"c":1,"c":2},{"c":3}],"a":{"d":1,"d":2},"a":3}');
    assert.deepEqual(duplicates, ['b[0].c', 'a', 'a.d', 'a']);
    assert.deepEqual(value, { a: 3, b: [{ c: 2 }, { c: 3 }] });
    assert.deepEqual(parseJson('{"a":":","b":"\\":\\"","c":"\\\\"}').duplicates, []);
  });

  it('keeps integers beyond 2^53 exact, both ways', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (integer) => {
        const text = `{"n":${integer}}`;
        assert.equal(new TextDecoder().decode(encodeJson(parseJson(text).value)), text);
      }),
    );
  });

  it('keeps a key named __proto__', () => {
    const text = '{"a":12345678901234567890,"__proto__":{"x":1}}';
    assert.equal(stringifyJson(parseJson(text).value), text);
  });

  it("is refused in the words of Go's decoder", () => {
    const cases: Record<string, string> = {
      '': 'unexpected end of JSON input',
      '{': 'unexpected end of JSON input',
      '{"a":tru': 'unexpected end of JSON input',
      x: "invalid character 'x' looking for beginning of value",
      '{a:1}': "invalid character 'a' looking for beginning of object key string",
      '{"a" 1}': "invalid character '1' after object key",
      '{"a":1 "b":2}': `invalid character '"' after object key:value pair`,
      '[1 2]': "invalid character '2' after array element",
      '[1,]': "invalid character ']' looking for beginning of value",
      '{}x': "invalid character 'x' after top-level value",
      nulx: "invalid character 'x' in literal null (expecting 'l')",
      '"\\x"': "invalid character 'x' in string escape code",
      '"\u0001"': "invalid character '\\x01' in string literal",
      '-': 'unexpected end of JSON input',
      '1e999': 'json: cannot unmarshal number 1e999 into Go value of type float64',
    };
    for (const [text, message] of Object.entries(cases)) assert.equal(messageOf(text), message, text);
  });

  it('refuses nesting that walks over the value would not survive', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    assert.equal(messageOf(nested(maxDepth)), undefined);
    assert.equal(messageOf(nested(maxDepth + 1)), 'exceeded max depth');
    assert.equal(messageOf('{"a":'.repeat(1_000_000)), 'exceeded max depth');
  });
});
