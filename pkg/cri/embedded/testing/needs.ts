/** What the machine must have for a test; the reason to skip it otherwise, which says what to do. */
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { probeEmbedded } from '../probe.ts';

/** As the probe sees it: what a user would be told who asks for real containers here. */
async function obstacle(): Promise<string | undefined> {
  const [first] = (await probeEmbedded({ directory: tmpdir() })).reasons;
  return first && `${first.what}: ${first.remedy}`;
}
export const needsContainers = await obstacle();

/** By other signs than the probe's own, for the test of the probe: root, `ip`, and control groups that are mounted. */
const capable =
  process.getuid?.() === 0 &&
  ['/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((folder) => existsSync(`${folder}/ip`)) &&
  existsSync('/sys/fs/cgroup') &&
  readdirSync('/sys/fs/cgroup').length > 0;
export const needsCapableMachine = capable ? undefined : 'needs root, iproute2 and control groups at /sys/fs/cgroup: sudo make test/cri';
