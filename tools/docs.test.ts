/** The documents name files; here they are held to it. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, it } from 'node:test';

const root = resolve(import.meta.dirname, '..');
const documents = globSync(['docs/*.md', 'docs/components/*.md', 'README.md', 'examples/README.md'], { cwd: root }).sort();

/** The paths of the repository that a text names, each `{a,b}` taken apart. `make test/api` names a target and no path. */
function pathsIn(text: string): string[] {
  const prose = text.replace(/\bmake [^`#\n]*/g, '');
  const found = prose.match(/(?<![\w./-])(?:pkg|cmd|tools|test|examples)\/[\w./*{},-]+/g) ?? [];
  return [...new Set(found.flatMap((path) => alternatives(path.replace(/[.,]+$/, ''))))];
}

function alternatives(path: string): string[] {
  const [whole, choice] = /\{([^{}]*)\}/.exec(path) ?? [];
  if (whole === undefined || choice === undefined) return [path];
  return choice.split(',').flatMap((word) => alternatives(path.replace(whole, word.trim())));
}

function linksIn(text: string): string[] {
  return [...text.matchAll(/\]\((?!\w+:)([^)#\s]+)/g)].map(([, target]) => target as string);
}

function exists(path: string): boolean {
  return path.includes('*') ? globSync(path, { cwd: root }).length > 0 : existsSync(join(root, path));
}

describe('documents', () => {
  it('finds paths as they are written', () => {
    assert.deepEqual(pathsIn('see `pkg/a/b.ts`, pkg/c. `make test/api`; cmd/{x,y}, https://k8s.io/pkg/no'), [
      'pkg/a/b.ts',
      'pkg/c',
      'cmd/x',
      'cmd/y',
    ]);
    assert.ok(!exists('pkg/no-such-folder/*.ts'));
  });

  for (const document of documents) {
    const text = readFileSync(join(root, document), 'utf8');
    it(`${document} names only what is there`, () => {
      assert.deepEqual(
        pathsIn(text).filter((path) => !exists(path)),
        [],
      );
    });
    it(`${document} links only to what is there`, () => {
      assert.deepEqual(
        linksIn(text).filter((target) => !existsSync(join(root, dirname(document), target))),
        [],
      );
    });
  }
});
