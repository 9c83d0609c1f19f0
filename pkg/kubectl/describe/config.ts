import type { ConfigMap, Secret, ServiceAccount } from '../../api/generated/core-v1.ts';
import { fromBase64 } from '../../client/credentials/base64.ts';
import { describeLabels, describeMetadata } from './common.ts';
import type { Lines } from './lines.ts';

export async function describeConfigMap(map: ConfigMap, lines: Lines): Promise<void> {
  describeMetadata(map, lines);
  describeLabels(map, lines);
  if (map.immutable !== undefined) lines.field('Immutable', map.immutable);
  lines.write(0, '\nData\n====');
  for (const [key, value] of Object.entries(map.data ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))
    lines.write(0, `${key}:\n----\n${value}\n`);
  lines.write(0, '\nBinaryData\n====');
  for (const [key, value] of Object.entries(map.binaryData ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))
    lines.write(0, `${key}: ${fromBase64(value).length} bytes`);
  lines.write(0, '');
}

/** What is in it stays in it: only sizes are shown. */
export async function describeSecret(secret: Secret, lines: Lines): Promise<void> {
  describeMetadata(secret, lines);
  describeLabels(secret, lines);
  lines.write(0, `\nType:\t${secret.type ?? 'Opaque'}`);
  lines.write(0, '\nData\n====');
  for (const [key, value] of Object.entries(secret.data ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))
    lines.write(0, `${key}:\t${fromBase64(value).length} bytes`);
}

export async function describeServiceAccount(account: ServiceAccount, lines: Lines): Promise<void> {
  describeMetadata(account, lines);
  describeLabels(account, lines);
  lines.list(
    'Image pull secrets',
    (account.imagePullSecrets ?? []).map(({ name }) => name ?? ''),
  );
}
