/** Base64 with or without padding, as Go's decoder takes it. */
import { CelError } from './value.ts';

export function decodeBase64(text: string, otherwise = 'illegal base64 data'): Uint8Array {
  const bare = text.replace(/[\r\n]/g, '').replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(bare) || bare.length % 4 === 1) throw new CelError(otherwise);
  return Uint8Array.from(atob(bare), (char) => char.charCodeAt(0));
}
