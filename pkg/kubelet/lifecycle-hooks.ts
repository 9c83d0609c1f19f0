import type { Container, LifecycleHandler, Pod } from '../api/generated/core-v1.ts';
import { unlessAborted } from './deadline.ts';
import type { KubeletContext } from './kubelet-context.ts';
import { portOf } from './probes/prober.ts';

/** As long as an HTTP hook may take, in milliseconds; the pod's grace bounds preStop as well. */
const httpTimeout = 30_000;

/**
 * Runs a postStart or preStop handler to its end. Throws when it fails, and the signal's reason when aborted.
 * https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
 */
export async function runHook(
  { runtime, host, clock }: Pick<KubeletContext, 'runtime' | 'host' | 'clock'>,
  {
    container,
    id,
    hook,
    podIP,
  }: { readonly pod: Pod; readonly container: Container; readonly id: string; readonly hook: LifecycleHandler; readonly podIP: string },
  signal: AbortSignal,
): Promise<void> {
  const run = async (): Promise<void> => {
    if (hook.exec) {
      const command = hook.exec.command ?? [];
      const { exitCode, stdout, stderr } = await runtime.execSync(id, command, 0);
      const output = new TextDecoder().decode(stdout.length > 0 ? stdout : stderr).slice(0, 1024);
      if (exitCode !== 0) throw new Error(`command '${command.join(' ')}' exited with ${exitCode}: ${output}`);
    } else if (hook.httpGet) {
      const { host: name, port, path = '/', scheme = 'HTTP', httpHeaders = [] } = hook.httpGet;
      const answer = await host.httpGet({
        scheme: scheme === 'HTTPS' ? 'https' : 'http',
        host: name || podIP,
        port: portOf(container, port),
        path: path.startsWith('/') ? path : `/${path}`,
        headers: httpHeaders,
        timeoutMs: httpTimeout,
      });
      if (answer.status >= 400) throw new Error(`HTTP hook was answered with status ${answer.status}`);
    } else if (hook.sleep) {
      await clock.sleep(hook.sleep.seconds * 1000, signal);
    } else if (hook.tcpSocket) {
      throw new Error('lifecycle hooks of kind tcpSocket are not supported');
    }
  };
  await unlessAborted(signal, run());
}
