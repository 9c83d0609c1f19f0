import { join } from 'node:path';

/** Where a kubelet with real containers notes its node's network namespace, for the proxy beside it. */
export function netnsFile(directory: string, node: string): string {
  return join(directory, 'machines', node, 'netns');
}
