/** Types that an expression can name: `type(x) == string`. */
import { type CelType, listOf, mapOf, opaque, optionalOf, scalars } from './cel-type.ts';

export const typeNames: Readonly<Record<string, CelType>> = {
  bool: scalars.bool,
  bytes: scalars.bytes,
  double: scalars.double,
  int: scalars.int,
  string: scalars.string,
  uint: scalars.uint,
  null_type: scalars.null,
  list: listOf(scalars.dyn),
  map: mapOf(scalars.dyn, scalars.dyn),
  type: { kind: 'type', of: scalars.dyn },
  optional_type: optionalOf(scalars.dyn),
  'google.protobuf.Timestamp': scalars.timestamp,
  'google.protobuf.Duration': scalars.duration,
  'net.IP': opaque('net.IP'),
  'net.CIDR': opaque('net.CIDR'),
  'kubernetes.URL': opaque('kubernetes.URL'),
  'kubernetes.Quantity': opaque('kubernetes.Quantity'),
  'kubernetes.Semver': opaque('kubernetes.Semver'),
  'kubernetes.NamedFormat': opaque('kubernetes.NamedFormat'),
};
