/** grpc.health.v1.HealthCheckResponse.ServingStatus */
const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/** Asks a gRPC server how it is: https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
export async function grpcHealth({
  host,
  port,
  service,
  timeoutMs,
}: {
  readonly host: string;
  readonly port: number;
  readonly service: string;
  readonly timeoutMs: number;
}): Promise<string> {
  // Few pods have such probes; the others' start need not wait for gRPC.
  const { Client, credentials } = await import('@grpc/grpc-js');
  const client = new Client(`${host.includes(':') ? `[${host}]` : host}:${port}`, credentials.createInsecure(), {
    'grpc.enable_http_proxy': 0,
  });
  try {
    return await new Promise<string>((resolve, reject) => {
      client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        (name: string) => encodeRequest(name),
        (bytes: Buffer) => decodeStatus(bytes),
        service,
        { deadline: Date.now() + timeoutMs },
        (error: Error | null, status?: string) => (error ? reject(error) : resolve(status ?? 'UNKNOWN')),
      );
    });
  } finally {
    client.close();
  }
}

/** HealthCheckRequest: field 1, the service's name. */
export function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  if (name.length === 0) return Buffer.alloc(0);
  const length: number[] = [];
  for (let left = name.length; ; left >>>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), name]);
}

/** HealthCheckResponse: field 1, the status; absent: 0. */
export function decodeStatus(bytes: Uint8Array): string {
  return statuses[bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0] ?? 'UNKNOWN';
}
