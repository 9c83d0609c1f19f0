import type { Container, Probe } from '../../api/generated/core-v1.ts';
import { isRuntimeError } from '../../cri/cri.ts';
import { messageOf } from '../deadline.ts';
import type { KubeletContext } from '../kubelet-context.ts';

/** `unknown`: the probe itself could not be made; it counts neither way. */
export interface ProbeOutcome {
  readonly result: 'success' | 'failure' | 'unknown';
  /** In the words of the Unhealthy event. */
  readonly message: string;
}

export interface ProbeTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIP: string;
}

/** The most of a body or output that a message repeats. */
const maxOutput = 512;

/** Makes one probe. Never rejects. https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/ */
export async function probeOnce(
  { runtime, host }: Pick<KubeletContext, 'runtime' | 'host'>,
  probe: Probe,
  { container, containerId, podIP }: ProbeTarget,
): Promise<ProbeOutcome> {
  const timeoutSeconds = probe.timeoutSeconds ?? 1;
  const timeoutMs = timeoutSeconds * 1000;
  try {
    if (probe.exec) {
      const { exitCode, stdout, stderr } = await runtime.execSync(containerId, probe.exec.command ?? [], timeoutSeconds);
      const decoder = new TextDecoder();
      const message = (decoder.decode(stdout) + decoder.decode(stderr)).slice(0, maxOutput);
      return { result: exitCode === 0 ? 'success' : 'failure', message };
    }
    if (probe.httpGet) {
      const { host: name, port, path = '/', scheme = 'HTTP', httpHeaders = [] } = probe.httpGet;
      const given = new Set(httpHeaders.map((header) => header.name.toLowerCase()));
      const defaults = [
        { name: 'User-Agent', value: 'kube-probe/1.36' },
        { name: 'Accept', value: '*/*' },
      ].filter((header) => !given.has(header.name.toLowerCase()));
      const { status } = await host.httpGet({
        scheme: scheme === 'HTTPS' ? 'https' : 'http',
        host: name || podIP,
        port: portOf(container, port),
        path: path.startsWith('/') ? path : `/${path}`,
        headers: [...defaults, ...httpHeaders],
        timeoutMs,
      });
      return status >= 200 && status < 400
        ? { result: 'success', message: '' }
        : { result: 'failure', message: `HTTP probe failed with statuscode: ${status}` };
    }
    if (probe.tcpSocket) {
      await host.tcpConnect({ host: probe.tcpSocket.host || podIP, port: portOf(container, probe.tcpSocket.port), timeoutMs });
      return { result: 'success', message: '' };
    }
    if (probe.grpc) {
      const { port, service = '' } = probe.grpc;
      const status = await host.grpcHealth({ host: podIP, port, service, timeoutMs });
      return status === 'SERVING'
        ? { result: 'success', message: '' }
        : { result: 'failure', message: `service unhealthy (responded with "${status}")` };
    }
    return { result: 'success', message: '' };
  } catch (error) {
    if (isRuntimeError(error, 'NotFound') || isRuntimeError(error, 'NotRunning') || isRuntimeError(error, 'Unavailable')) {
      return { result: 'unknown', message: messageOf(error) };
    }
    return { result: 'failure', message: messageOf(error) };
  }
}

/** A port by number, or by its name in the container. Throws when there is no such name. */
export function portOf(container: Container, port: number | string): number {
  if (typeof port === 'number') return port;
  if (/^\d+$/.test(port)) return Number(port);
  const named = container.ports?.find(({ name }) => name === port);
  if (!named) throw new Error(`couldn't find port: ${JSON.stringify(port)} in the container ${container.name}`);
  return named.containerPort;
}
