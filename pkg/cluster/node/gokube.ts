/** What the package offers beyond its platform-neutral face, in Node.js: durable stores and the HTTPS server. */
export { type HttpServer, type HttpServerOptions, startHttpServer } from '../../apiserver/http-server.node.ts';
export { createPrometheusMetrics } from '../../metrics/prometheus.node.ts';
export { openStore } from '../../storage/open-store.node.ts';
export { type LocalCluster, type LocalClusterOptions, startLocalCluster } from './local-cluster.ts';
