/**
 * Checks the house (docs/architecture.md): arrows between folders only point down, files form no circle, and what
 * belongs to a platform (Node.js, the wall clock, randomness) stays in files that say so by name. Prints every
 * violation and ends with exit code 1 if there is one.
 *
 * Imports are read from the text, types included: a type that points up is an arrow too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** From the ground up; a folder may see the floors below its own. */
const floors = [
  ['api', 'clock', 'log', 'metrics', 'trace'],
  ['runtime', 'cel', 'storage', 'client', 'cri', 'network'],
  ['registry', 'listwatch'],
  ['apiserver', 'controller', 'scheduler', 'kubelet', 'proxy', 'dns', 'kubectl'],
  ['cluster'],
];

/** What a folder must not see although it lies on a lower floor. */
const never: Record<string, readonly string[]> = {
  cel: ['clock', 'log', 'metrics', 'trace'],
  storage: ['api'],
  client: ['runtime', 'storage', 'cri', 'network'],
  listwatch: ['runtime', 'storage', 'cri', 'network'],
  registry: ['client', 'cri', 'network'],
  controller: ['registry', 'storage', 'runtime', 'cri', 'network'],
  scheduler: ['registry', 'storage', 'runtime', 'cri', 'network'],
  kubelet: ['registry', 'storage', 'runtime'],
  proxy: ['registry', 'storage', 'runtime', 'cri'],
  dns: ['registry', 'storage', 'runtime', 'cri'],
  kubectl: ['registry', 'storage', 'cri', 'network'],
};

/** Neighbours on one floor that may see each other: the ground floor's ports, and the client's streams in cri. */
const neighbours = new Set(['runtime>client', ...(floors[0] ?? []).flatMap((a) => (floors[0] ?? []).map((b) => `${a}>${b}`))]);

/** Files that may use Node.js. */
const nodeFile = /\.node(-entry)?\.ts$|\/node\/|\/linux\/|^pkg\/cri\/embedded\/|^pkg\/storage\/(lmdb|etcd)/;
const testFile = /\.test\.ts$|-contract\.ts$|\/contract\/|\/testing(\/|\.ts$)|\/testing-[\w-]+\.ts$/;
/** The clock and randomness themselves are adapters. */
const platformFile = /^pkg\/clock\/(real-clock|random)\.ts$/;
const nodeLibraries = ['lmdb', '@grpc/', 'pino', 'prom-client', 'ws', '@lydell/', 'tar-stream'];
const platformCalls =
  /\b(Date\.now|new Date\(\)|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|crypto\.(randomUUID|getRandomValues)|process\.\w+|Buffer\.\w+|console\.\w+)/;

const problems: string[] = [];
const imports = new Map<string, string[]>();

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.ts$/.test(entry.name) && !/\.d\.\w*\.?ts$/.test(entry.name)) yield path;
  }
}

const floorOf = (folder: string): number => floors.findIndex((names) => names.includes(folder));

for (const file of sources('pkg')) {
  const text = readFileSync(file, 'utf8');
  const from = file.split('/')[1] as string;
  const isTest = testFile.test(file);
  const isNode = nodeFile.test(file);
  if (floorOf(from) < 0) problems.push(`${file}: pkg/${from} has no floor; give it one in tools/check-floors.ts and docs/architecture.md`);
  const targets: string[] = [];
  imports.set(file, targets);
  for (const match of text.matchAll(/^\s*(?:import|export)\b[^'";]*?\bfrom\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\('([^']+)'\)/gm)) {
    const name = (match[1] ?? match[2] ?? match[3]) as string;
    const typeOnly = /^\s*(import|export)\s+type\b/.test(match[0]);
    if (name.startsWith('.')) {
      const target = normalize(join(dirname(file), name));
      if (target.endsWith('.ts')) targets.push(target);
      if (isTest) continue;
      checkArrow(file, from, target);
      if (!isNode && nodeFile.test(target) && !typeOnly)
        problems.push(`${file}: imports ${target}, which needs Node.js; put it behind a port`);
    } else if (!isNode && !isTest) {
      if (name.startsWith('node:')) problems.push(`${file}: imports ${name}; only files named *.node.ts may`);
      else if (!typeOnly && nodeLibraries.some((library) => name === library || name.startsWith(library)))
        problems.push(`${file}: imports ${name}, a library that needs Node.js; put it behind a port`);
    }
  }
  if (isTest || isNode || platformFile.test(file)) continue;
  text.split('\n').forEach((line, at) => {
    const code = line.replace(/^\s*(\/?\*|\/\/).*$/, '').replace(/\/\/.*$|'[^']*'|`[^`]*`/g, '');
    const call = platformCalls.exec(code);
    if (call) problems.push(`${file}:${at + 1}: uses ${call[0]}; take it from an injected Clock, Random or Logger, or a port`);
  });
}

function checkArrow(file: string, from: string, target: string): void {
  const parts = target.split('/');
  if (parts[0] !== 'pkg') {
    problems.push(`${file}: pkg/ must not see ${target}`);
    return;
  }
  const to = parts[1] as string;
  if (to === from || neighbours.has(`${from}>${to}`)) return;
  if (floorOf(to) >= floorOf(from)) problems.push(`${file}: pkg/${from} must not see pkg/${to}: it lies on the same floor or above`);
  else if (never[from]?.includes(to)) problems.push(`${file}: pkg/${from} must never see pkg/${to}`);
}

/** Tarjan's strongly connected components: every component of more than one file is a circle. */
function circles(): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.get(file) as number);
    stack.push(file);
    for (const target of imports.get(file) ?? []) {
      if (!imports.has(target)) continue;
      if (!index.has(target)) visit(target);
      if (stack.includes(target)) low.set(file, Math.min(low.get(file) as number, low.get(target) as number));
    }
    if (low.get(file) === index.get(file)) {
      const component = stack.splice(stack.indexOf(file));
      if (component.length > 1) found.push(component);
    }
  };
  for (const file of imports.keys()) if (!index.has(file)) visit(file);
  return found;
}

for (const circle of circles()) problems.push(`a circle: ${circle.sort().join(' <-> ')}`);

for (const problem of problems) console.error(problem);
console.log(`${imports.size} files, ${problems.length} violation(s) of the house's rules`);
process.exitCode = problems.length > 0 ? 1 : 0;
