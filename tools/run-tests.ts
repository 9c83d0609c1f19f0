/**
 * Runs the tests: all of them, or those of the packages and folders named (`api`, `kubelet`, `e2e`). Tests of the
 * platform-neutral core share one process, which is several times faster than one a file; tests that touch the
 * machine (`*.node.test.ts` and those under `embedded/`, `linux/`, `lmdb`, `etcd` and `test/`) get one each.
 *
 * Those that look at the whole machine run one by one.
 *
 * At the end: what was skipped, why, and what would enable it.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const names = process.argv.slice(2);
const all = globSync(['pkg/**/*.test.ts', 'cmd/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts']).sort();
const files =
  names.length === 0 ? all : all.filter((file) => names.some((name) => file.includes(`/${name}/`) || file.includes(`/${name}.`)));
if (files.length === 0) {
  console.error(`no tests match ${names.join(' ')}; packages are the folders of pkg/ and test/`);
  process.exit(2);
}

const ownProcess = /\.node\.test\.ts$|^test\/|^cmd\/|\/embedded\/|\/linux\/|\/node\/|\/lmdb|\/etcd|^tools\//;
/** These look at the whole machine before and after, or at the clock: nothing else runs beside them. */
const machineWide = /\/leftovers\.test\.ts$|^test\/e2e\/|^test\/simulation\//;
const shared = files.filter((file) => !ownProcess.test(file));
const alone = files.filter((file) => machineWide.test(file));
const apart = files.filter((file) => ownProcess.test(file) && !machineWide.test(file));

const skipped = new Map<string, string[]>();
let failed = 0;

async function runGroup(group: readonly string[], isolation: 'none' | 'process', concurrency: number): Promise<void> {
  if (group.length === 0) return;
  await new Promise<void>((resolve, reject) => {
    const stream = run({ files: [...group], isolation, concurrency, ...(isolation === 'process' ? { timeout: 900_000 } : {}) });
    stream.on('test:fail', () => {
      failed++;
    });
    stream.on('test:pass', (event) => {
      if (typeof event.skip === 'string') skipped.set(event.skip, [...(skipped.get(event.skip) ?? []), event.name]);
    });
    stream.compose(new spec()).on('end', resolve).on('error', reject).pipe(process.stdout, { end: false });
  });
}

await runGroup(apart, 'process', 2);
await runGroup(alone, 'process', 1);
if (shared.length > 0) {
  // A process of its own, since tests that share one must not share it with this runner.
  const result = spawnSync(process.execPath, ['--test', '--test-isolation=none', '--test-reporter=spec', ...shared], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  process.stdout.write(result.stdout);
  if (result.status !== 0) failed++;
  for (const match of result.stdout.matchAll(/^\s*﹣ (.*?) \([\d.]+ms\) # (.+)$/gm)) {
    if (match[2] && match[2] !== 'SKIP') skipped.set(match[2], [...(skipped.get(match[2]) ?? []), match[1] as string]);
  }
}

if (skipped.size > 0) {
  console.log('\nSkipped, since this machine cannot run them:');
  for (const [reason, tests] of skipped) console.log(`  ${tests.length} test(s): ${reason}`);
}
process.exitCode = failed > 0 ? 1 : 0;
