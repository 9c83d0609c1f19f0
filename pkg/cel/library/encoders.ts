/** `base64.encode(bytes)`, `base64.decode(string)`. */
import { conversion } from '../types/cost-rule.ts';
import { decodeBase64, encodeBase64 } from '../values/base64.ts';
import { f, type Overload } from './overload.ts';

export const encoders: readonly Overload[] = [
  f('base64.encode', 'bytes -> string', (args: readonly [Uint8Array]) => encodeBase64(args[0]), conversion(2)),
  f('base64.decode', 'string -> bytes', (args: readonly [string]) => decodeBase64(args[0]), conversion(1)),
];
