import type { Service } from '../../api/generated/core-v1.ts';
import type { Command } from '../command.ts';

export const clusterInfo: Command = {
  name: 'cluster-info',
  short: 'Show where the control plane and the services of the cluster are',
  async run(context) {
    const url = context.io.serverUrl ?? '(in this process)';
    const services = await context.mapper.one('services');
    const query = { labelSelector: 'kubernetes.io/cluster-service=true' };
    const { items } = await context.api.list(services, 'kube-system', query);
    await context.print(`Kubernetes control plane is running at ${url}`);
    for (const service of items as unknown as Service[]) {
      const [port] = service.spec.ports ?? [];
      const named = service.metadata.labels?.['kubernetes.io/name'] ?? service.metadata.name;
      const target = port ? `${service.metadata.name}:${port.name ?? port.port}` : service.metadata.name;
      await context.print(`${named} is running at ${url}/api/v1/namespaces/kube-system/services/${target}/proxy`);
    }
    return 0;
  },
};
