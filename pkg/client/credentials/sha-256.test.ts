import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { fromBase64Url, toBase64, toBase64Url } from './base64.ts';
import { hmacSha256, sha256 } from './sha-256.ts';

test('SHA-256, HMAC and base64 agree with the platform at every length around the block size', () => {
  for (let length = 0; length < 200; length++) {
    const bytes = new Uint8Array(randomBytes(length));
    const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');
    assert.equal(hex(sha256(bytes)), createHash('sha256').update(bytes).digest('hex'));
    assert.equal(hex(hmacSha256(bytes, bytes)), createHmac('sha256', bytes).update(bytes).digest('hex'));
    assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64'));
    assert.equal(toBase64Url(bytes), Buffer.from(bytes).toString('base64url'));
    assert.deepEqual(fromBase64Url(toBase64Url(bytes)), bytes);
  }
});
