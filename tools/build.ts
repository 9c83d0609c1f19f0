/**
 * `build`: compiles the package into `dist/`, ready to be packed and published: JavaScript with declarations.
 * `build COMPONENT`: bundles one of cmd/* into `dist/bin/COMPONENT`, one executable file beside node_modules'
 * native parts; with `--install DIR`, a launcher for it is written to DIR.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Modules with native parts or data files of their own stay outside a bundle. */
const external = ['lmdb', '@lydell/node-pty', '@grpc/grpc-js', '@grpc/proto-loader'];

/**
 * What stays outside is loaded when the code that uses it runs, not when the bundle does: an API server over LMDB
 * never meets gRPC. For node:http it also spares undici, which an import of all its exports would load.
 */
const loadedOnUse: Plugin = {
  name: 'loaded on use',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(node:.*|${external.join('|')})$`) }, ({ path, kind, namespace }) =>
      namespace === 'file' && kind === 'import-statement' ? { path, namespace: 'outside' } : { path, external: true },
    );
    onLoad({ filter: /.*/, namespace: 'outside' }, ({ path }) => ({ contents: `module.exports = require(${JSON.stringify(path)});` }));
  },
};

async function buildPackage(): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the package does not compile');
  cpSync(join(root, 'pkg/api/facts'), join(dist, 'pkg/api/facts'), { recursive: true });
  const { name, version, description, license, dependencies, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const manifest = {
    name,
    version,
    description,
    license,
    type: 'module',
    engines,
    dependencies,
    bin: { gokube: './cmd/gokube/main.js' },
    exports: {
      '.': { types: './pkg/cluster/gokube.d.ts', default: './pkg/cluster/gokube.js' },
      './node': { types: './pkg/cluster/node/gokube.d.ts', default: './pkg/cluster/node/gokube.js' },
    },
  };
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  cpSync(join(root, 'README.md'), join(dist, 'README.md'));
  const main = join(dist, 'cmd/gokube/main.js');
  writeFileSync(main, `#!/usr/bin/env node\n${readFileSync(main, 'utf8')}`);
  chmodSync(main, 0o755);
  console.log('dist/ holds the package; pack it with: npm pack ./dist');
}

async function bundle(component: string): Promise<void> {
  const entry = join(root, 'cmd', component, 'main.ts');
  if (!existsSync(entry)) throw new Error(`there is no component "${component}"; cmd/ has one folder for each`);
  await build({
    entryPoints: [entry],
    outfile: join(dist, 'bin', `${component}.mjs`),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    plugins: [loadedOnUse],
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  console.log(`dist/bin/${component}.mjs`);
}

/** A launcher that runs the component from this checkout with the pinned Node.js. */
function install(component: string, directory: string): void {
  mkdirSync(directory, { recursive: true });
  const name = component === 'gokube' ? 'gokube' : `gokube-${component}`;
  const target = join(directory, name);
  writeFileSync(
    target,
    `#!/bin/sh\nexec '${join(root, 'bin/node')}' --disable-warning=ExperimentalWarning '${join(root, 'cmd', component, 'main.ts')}' "$@"\n`,
  );
  chmodSync(target, 0o755);
  console.log(`installed ${target}`);
}

const [component, flag, directory] = process.argv.slice(2);
if (!component) await buildPackage();
else if (flag === '--install' && directory) install(component, resolve(directory));
else await bundle(component);
