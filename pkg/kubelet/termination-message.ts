import type { ContainerStatus } from '../cri/cri.ts';
import type { HostFiles } from './kubelet-host.ts';
import { messagePathAnnotation, messagePolicyAnnotation } from './pod-observation.ts';

/** https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/ */
const maxMessage = 4096;
const maxLogBytes = 2048;
const maxLogLines = 80;

/** What a container left to say: its termination log, else (by policy, after a failure) the end of its log, else the runtime's words. */
export async function terminationMessage(files: HostFiles, container: ContainerStatus): Promise<string> {
  const decoder = new TextDecoder();
  const path = container.annotations[messagePathAnnotation];
  const mount = container.mounts.find(({ containerPath }) => containerPath === path);
  if (mount) {
    const bytes = await files.readFile(mount.hostPath, { length: maxMessage });
    const text = bytes ? decoder.decode(bytes) : '';
    if (text !== '') return text;
  }
  const fallback = container.annotations[messagePolicyAnnotation] === 'FallbackToLogsOnError' && container.exitCode !== 0;
  if (!fallback) return container.message ?? '';
  // Enough of the file for so many bytes of text behind timestamps.
  const tail = await files.readFile(container.logPath, { offset: -(maxLogBytes + maxLogLines * 64) });
  if (!tail) return container.message ?? '';
  const lines = decoder
    .decode(tail)
    .split('\n')
    .map((line) => /^\S+ (?:stdout|stderr) ([FP])\S* ?(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => (match[1] === 'F' ? `${match[2]}\n` : (match[2] as string)));
  return lines.slice(-maxLogLines).join('').slice(-maxLogBytes);
}
