/** The package as its users get it: packed, installed elsewhere, used from plain JavaScript; and bundled for a browser. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { build } from 'esbuild';
import { tellStory } from '../simulation/story.ts';

const root = resolve(import.meta.dirname, '../..');
const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
let work: string;
before(() => {
  work = mkdtempSync(join(tmpdir(), 'gokube-package-'));
});
after(() => rmSync(work, { recursive: true, force: true }));

describe('the packed package', () => {
  let installed: string;
  before(() => {
    execFileSync(process.execPath, [join(root, 'tools/build.ts')], { stdio: 'pipe' });
    execFileSync('npm', ['pack', '--silent', '--pack-destination', work, join(root, 'dist')], { stdio: 'pipe' });
    const tarball = readdirSync(work).find((name) => name.endsWith('.tgz')) as string;
    installed = join(work, 'user');
    mkdirSync(join(installed, 'node_modules/gokube'), { recursive: true });
    execFileSync('tar', ['-xzf', join(work, tarball), '--strip-components=1', '-C', join(installed, 'node_modules/gokube')]);
    // Its dependencies as npm would have laid them: those that the package names, from where they are.
    const manifest = JSON.parse(readFileSync(join(installed, 'node_modules/gokube/package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const name of Object.keys(manifest.dependencies)) {
      const target = join(installed, 'node_modules', name);
      mkdirSync(resolve(target, '..'), { recursive: true });
      symlinkSync(join(root, 'node_modules', name), target);
    }
    writeFileSync(join(installed, 'package.json'), '{ "type": "module" }');
  });

  test('starts a cluster from JavaScript in five lines', () => {
    writeFileSync(
      join(installed, 'five.js'),
      `import { Cluster, virtual } from 'gokube';
const cluster = await Cluster.start({ nodes: 3, clock: virtual, seed: 7 });
await cluster.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'hello' }, spec: { containers: [{ name: 'c', image: 'any' }] } });
await cluster.eventually(async () => (await cluster.pod('hello')).status.phase === 'Running');
console.log((await cluster.pod('hello')).status.podIP); await cluster.stop();
`,
    );
    const out = execFileSync(process.execPath, ['five.js'], { cwd: installed, encoding: 'utf8' });
    assert.match(out, /^10\.244\.\d+\.\d+\n$/);
  });

  test('brings the gokube command and declarations', () => {
    const gokube = join(installed, 'node_modules/gokube');
    const out = execFileSync(process.execPath, [join(gokube, 'cmd/gokube/main.js'), 'version'], { encoding: 'utf8' });
    assert.match(out, /^gokube \d+\.\d+\.\d+ \(Kubernetes v1\.36/);
    assert.match(readFileSync(join(gokube, 'pkg/cluster/gokube.d.ts'), 'utf8'), /Cluster/);
  });
});

describe('in a browser', () => {
  async function bundle(entry: string): Promise<string> {
    const file = join(work, 'entry.ts');
    writeFileSync(file, entry);
    // esbuild fails on an import of Node.js here: nothing is marked external.
    const result = await build({
      entryPoints: [file],
      bundle: true,
      platform: 'browser',
      format: 'iife',
      target: 'es2024',
      write: false,
      logLevel: 'silent',
      absWorkingDir: root,
    });
    return (result.outputFiles[0] as { text: string }).text;
  }

  test('the package bundles without one import of Node.js', async () => {
    const text = await bundle(
      `import * as gokube from ${JSON.stringify(join(root, 'pkg/cluster/gokube.ts'))}; globalThis.gokube = gokube;`,
    );
    assert.doesNotMatch(text, /["']node:/);
  });

  test('the same seed writes the same bytes as in Node.js', {
    skip: chromium ? false : 'needs Chromium: apt-get install chromium',
    timeout: 180_000,
  }, async () => {
    const script = await bundle(`
      import { tellStory } from ${JSON.stringify(join(root, 'test/simulation/story.ts'))};
      tellStory({ seed: 7 }).then((result) => JSON.stringify(result), (error) => JSON.stringify({ error: String(error && error.stack) }))
        .then((body) => fetch('/result', { method: 'POST', body }));`);
    const told = await inChromium(chromium as string, script);
    assert.deepEqual(JSON.parse(told), await tellStory({ seed: 7 }));
  });
});

/** Serves a page with the script, lets Chromium open it, and resolves with what the page posts. */
async function inChromium(browser: string, script: string): Promise<string> {
  const posted = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        response.end();
        posted.resolve(body);
      });
      return;
    }
    response.setHeader('content-type', request.url === '/script.js' ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8');
    response.end(request.url === '/script.js' ? script : '<!doctype html><script src="/script.js"></script>');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  const child = spawn(browser, [...flags, `--user-data-dir=${mkdtempSync(join(work, 'browser-'))}`, `http://127.0.0.1:${port}/`], {
    stdio: 'ignore',
  });
  child.once('exit', (code) => posted.reject(new Error(`Chromium ended early (exit code ${code})`)));
  try {
    return await posted.promise;
  } finally {
    child.removeAllListeners('exit');
    const ended = new Promise((done) => child.once('exit', done));
    child.kill();
    await ended;
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}
