import type { TestContext } from 'node:test';
import { createClient } from '../../client/create-client.ts';
import { platformCredentials } from '../../client/credentials/platform-credentials.ts';
import { HttpsTransport } from '../../client/https-transport.node.ts';
import type { RequestHandler } from '../../client/in-process-transport.ts';
import { silentLogger } from '../../log/log.ts';
import { type HttpServerOptions, startHttpServer } from '../http-server.node.ts';

export const lifetime = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 };

/** One authority and its certificates for all tests of a file: they take a while to make. */
const identities = (async () => {
  const authority = await platformCredentials.openAuthority(
    await platformCredentials.createAuthority({ commonName: 'test-ca', ...lifetime }),
  );
  const [serving, admin] = await Promise.all([
    authority.issue({ commonName: 'kube-apiserver', usages: ['server'], dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], ...lifetime }),
    authority.issue({ commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'], ...lifetime }),
  ]);
  return { ca: authority.certificate, serving, admin };
})();

/** The handler on a free port, and an administrator's client of it; both end with the test. */
export async function serveHttps(
  t: TestContext,
  handler: RequestHandler,
  options: Pick<HttpServerOptions, 'headTimeout' | 'idleTimeout'> = {},
) {
  const { ca, serving, admin } = await identities;
  const server = await startHttpServer({
    ...options,
    handler,
    log: silentLogger,
    port: 0,
    certificate: serving.certificate,
    key: serving.key,
    clientAuthority: ca,
  });
  t.after(() => server.close());
  const transport = new HttpsTransport({
    server: `https://127.0.0.1:${server.port}`,
    certificateAuthority: ca,
    certificate: admin.certificate,
    key: admin.key,
  });
  t.after(() => transport.close());
  return { server, transport, client: createClient(transport, { agent: 'test' }), ca, admin };
}
