import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { describeLabels, describeMetadata } from './common.ts';
import type { Lines } from './lines.ts';

export async function describeEndpointSlice(slice: EndpointSlice, lines: Lines): Promise<void> {
  describeMetadata(slice, lines);
  describeLabels(slice, lines);
  lines.field('AddressType', slice.addressType);
  const { ports = [], endpoints = [] } = slice;
  if (ports.length === 0) lines.write(0, 'Ports: <unset>');
  else {
    lines.write(0, 'Ports:');
    lines.write(1, 'Name\tPort\tProtocol');
    lines.write(1, '----\t----\t--------');
    for (const { name, port, protocol } of ports) lines.write(1, `${name || '<unset>'}\t${port ?? '<unset>'}\t${protocol ?? 'TCP'}`);
  }
  if (endpoints.length === 0) {
    lines.write(0, 'Endpoints: <none>');
    return;
  }
  lines.write(0, 'Endpoints:');
  for (const { addresses, conditions, targetRef, hostname, nodeName, zone } of endpoints) {
    lines.write(1, `- Addresses:\t${addresses.join(', ')}`);
    lines.write(2, 'Conditions:');
    lines.field('Ready', conditions?.ready ?? '<unset>', 3);
    lines.field('Hostname', hostname ?? '<unset>', 2);
    if (targetRef) lines.field('TargetRef', `${targetRef.kind}/${targetRef.name}`, 2);
    lines.field('NodeName', nodeName ?? '<unset>', 2);
    lines.field('Zone', zone ?? '<unset>', 2);
  }
}
