import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isApiError } from '../api/errors.ts';
import { decodeBody, unrecognizedBody } from './decode.ts';

const utf8 = new TextEncoder();

describe('decodeBody', () => {
  it('answers any bytes of any media type with a value or an ApiError', () => {
    const soup = fc
      .array(
        fc.constantFrom(
          'a',
          ':',
          ' ',
          '- ',
          '\n',
          '{',
          '}',
          '[',
          '&a',
          '*a',
          '<<',
          '!!int',
          '"',
          "'",
          '|',
          '>',
          '%',
          '#',
          '\t',
          '---',
          '0x',
          '?',
        ),
        {
          maxLength: 40,
        },
      )
      .map((parts) => utf8.encode(parts.join('')));
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 60 }), soup),
        fc.constantFrom('application/json', 'application/yaml', 'text/plain', ''),
        (bytes, type) => {
          try {
            decodeBody(bytes, type);
          } catch (error) {
            assert.ok(isApiError(error, 'BadRequest') || isApiError(error, 'UnsupportedMediaType'), String((error as Error).stack));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('reads the media type without its parameters, and takes none for JSON', () => {
    const bytes = utf8.encode('{"a":1}');
    for (const type of ['', 'application/json', 'Application/JSON; charset=utf-8', 'application/yaml']) {
      assert.deepEqual(decodeBody(bytes, type).value, { a: 1 }, type);
    }
  });

  it('refuses other media types with 415, also those named like properties of objects', () => {
    for (const type of ['text/plain', 'toString', '__proto__', 'application/xml']) {
      assert.throws(
        () => decodeBody(utf8.encode('{}'), type),
        (error) => isApiError(error, 'UnsupportedMediaType'),
      );
    }
  });

  it('shows the beginning of what cannot be decoded', () => {
    const show = (text: string): string => unrecognizedBody('Pod', new Error('why'), utf8.encode(text)).message;
    assert.equal(show(''), 'the object provided is unrecognized (must be of type Pod): why (<empty>)');
    assert.equal(show('{"a"'), 'the object provided is unrecognized (must be of type Pod): why ({"a")');
    assert.equal(show('xyz'), 'the object provided is unrecognized (must be of type Pod): why (78797a)');
    assert.ok(show(`{${'a'.repeat(50)}`).endsWith(' ...)'));
  });
});
