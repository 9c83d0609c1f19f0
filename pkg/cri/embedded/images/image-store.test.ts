import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { silentLogger } from '../../../log/log.ts';
import { isRuntimeError } from '../../cri.ts';
import { digestOf, dockerArchive, ociArchive, type TestFile, type TestImage, tarOf } from '../testing/image-archives.ts';
import { needsContainers } from '../testing/needs.ts';
import { ImageStore } from './image-store.ts';
import { mergedView } from './merged-view.ts';

const skip = needsContainers ?? false;

async function newStore(t: TestContext): Promise<{ store: ImageStore; directory: string; reopen: () => Promise<ImageStore> }> {
  const directory = await mkdtemp(join(tmpdir(), 'gokube-images-'));
  t.after(() => rm(directory, { recursive: true }));
  const reopen = (): Promise<ImageStore> => ImageStore.open({ directory, hide: [], logger: silentLogger });
  return { store: await reopen(), directory, reopen };
}

/** What a container of the image sees, read through an overlay as the container would. */
async function filesOf(directory: string, store: ImageStore, name: string): Promise<Record<string, string>> {
  const root = await store.use(name, 'test');
  const layers = join(directory, 'layers');
  await mkdir(join(layers, 'look'));
  const view = await mergedView(layers, root.layers, 'look');
  const found: Record<string, string> = {};
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(view.path, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        found[`${path}/`] = '';
        walk(path);
      } else found[path] = entry.isFile() ? readFileSync(join(view.path, path), 'utf8') : '?';
    }
  };
  try {
    walk('');
  } finally {
    await view.close();
    for (const name of ['look', 'look.work', 'look.view']) await rm(join(layers, name), { recursive: true });
    store.release('test');
  }
  return found;
}

async function* bytes(archive: Uint8Array): AsyncIterable<Uint8Array> {
  // In pieces, as from a network.
  for (let at = 0; at < archive.length; at += 1000) yield archive.subarray(at, at + 1000);
}

const simple = async (name: string): Promise<TestImage> => ({
  name,
  layers: [await tarOf([{ name: 'hello', content: 'hi' }])],
  config: { Entrypoint: ['/hello'], Cmd: ['a'], Env: ['X=1'], WorkingDir: '/w', User: '12:34', StopSignal: 'SIGINT' },
});

test('an image in the OCI layout is there under every spelling of its name', { skip }, async (t) => {
  const { store } = await newStore(t);
  const [image] = await store.load(bytes(await ociArchive(await simple('docker.io/library/hello:1'))));
  assert.ok(image);
  assert.deepEqual(image.tags, ['hello:1']);
  assert.deepEqual(image.user, { uid: 12 });
  assert.equal(image.sizeBytes, 2);
  for (const name of [
    'hello:1',
    'library/hello:1',
    'docker.io/hello:1',
    'docker.io/library/hello:1',
    image.id,
    `hello@${image.digests[0]?.split('@')[1]}`,
  ])
    assert.equal((await store.imageStatus(name))?.id, image.id, name);
  assert.equal(await store.imageStatus('hello:2'), undefined);
  const { config } = await store.use('hello:1', 'c');
  assert.deepEqual(config, {
    entrypoint: ['/hello'],
    command: ['a'],
    environment: ['X=1'],
    workingDir: '/w',
    user: '12:34',
    stopSignal: 'SIGINT',
  });
});

test('docker save, gzip outside, gzip and zstd layers: all the same image', { skip }, async (t) => {
  const image = await simple('hello:1');
  const archives = [
    await dockerArchive(image),
    gzipSync(await dockerArchive(image)),
    await ociArchive({ ...image, compress: gzipSync }),
    await ociArchive({ ...image, compress: (layer) => zstdCompressSync(layer) }),
  ];
  const ids = new Set<string>();
  for (const archive of archives) {
    const { store, directory } = await newStore(t);
    const file = join(directory, 'image.tar');
    await writeFile(file, archive);
    const [loaded] = await store.load(file);
    ids.add(loaded?.id ?? '');
    assert.deepEqual(await filesOf(directory, store, 'hello:1'), { hello: 'hi' });
  }
  assert.equal(ids.size, 1);
});

test('an archive that does not name its image gets the name from whoever loads it, or is known by its id', { skip }, async (t) => {
  const { store } = await newStore(t);
  const archive = await ociArchive({ layers: [await tarOf([{ name: 'hello', content: 'hi' }])] });
  const [nameless] = await store.load(bytes(archive));
  assert.deepEqual(nameless?.tags, []);
  const [named] = await store.load(bytes(archive), 'mine:2');
  assert.deepEqual(named?.tags, ['mine:2']);
  assert.equal(named?.id, nameless?.id);
});

test('layers cover each other: whiteouts, opaque folders, files that become folders, links', { skip }, async (t) => {
  const { store, directory } = await newStore(t);
  const layers = [
    [
      { name: 'keep', content: '1' },
      { name: 'gone', content: '1' },
      { name: 'tree/a', content: '1' },
      { name: 'tree/deep/b', content: '1' },
      { name: 'opaque/old', content: '1' },
      { name: 'opaque/sub/old', content: '1' },
      { name: 'swap', content: 'file' },
      { name: 'usr/lib/x', content: '1' },
      { name: 'lib', type: 'symlink', linkname: 'usr/lib' },
    ],
    [
      { name: '.wh.gone', content: '' },
      { name: '.wh.tree', content: '' },
      // The mark comes after what its own layer brings: only what lies below goes.
      { name: 'opaque/new', content: '2' },
      { name: 'opaque/sub/new', content: '2' },
      { name: 'opaque/.wh..wh..opq', content: '' },
      { name: 'swap/', type: 'directory' },
      { name: 'swap/inner', content: '2' },
      { name: 'lib/y', content: 'through the link' },
      { name: 'hard', type: 'link', linkname: 'keep' },
    ],
    [
      { name: 'tree/c', content: '3' },
      { name: '.wh.never-there', content: '' },
    ],
  ] as TestFile[][];
  await store.load(bytes(await ociArchive({ name: 'layers:1', layers: await Promise.all(layers.map(tarOf)) })));
  assert.deepEqual(await filesOf(directory, store, 'layers:1'), {
    hard: '1',
    keep: '1',
    lib: '?',
    'opaque/': '',
    'opaque/new': '2',
    'opaque/sub/': '',
    'opaque/sub/new': '2',
    'swap/': '',
    'swap/inner': '2',
    'tree/': '',
    'tree/c': '3',
    'usr/': '',
    'usr/lib/': '',
    'usr/lib/x': '1',
    'usr/lib/y': 'through the link',
  });
});

test('owner, mode and time are those of the archive', { skip }, async (t) => {
  const { store, directory } = await newStore(t);
  const mtime = new Date('2001-02-03T04:05:06Z');
  const files: TestFile[] = [
    { name: 'dir/', type: 'directory', uid: 5, gid: 6, mode: 0o2750, mtime },
    { name: 'dir/suid', content: 'x', uid: 7, gid: 8, mode: 0o4711, mtime },
  ];
  await store.load(bytes(await ociArchive({ name: 'meta:1', layers: [await tarOf(files)] })));
  const layer = join(directory, 'layers', (await store.use('meta:1', 'c')).layers[0] as string);
  const facts = (path: string): unknown => {
    const { uid, gid, mode, mtimeMs } = statSync(join(layer, path));
    return [uid, gid, mode & 0o7777, mtimeMs];
  };
  assert.deepEqual(facts('dir'), [5, 6, 0o2750, mtime.getTime()]);
  assert.deepEqual(facts('dir/suid'), [7, 8, 0o4711, mtime.getTime()]);
});

test('what no archive may hold is refused with the reason, and nothing is half done', { skip }, async (t) => {
  const outside = await mkdtemp(join(tmpdir(), 'gokube-outside-'));
  t.after(() => rm(outside, { recursive: true }));
  await writeFile(join(outside, 'victim'), 'untouched');
  const layer = async (...files: TestFile[]): Promise<Buffer> =>
    ociArchive({ name: 'bad:1', layers: [await tarOf([{ name: 'ok', content: '1' }]), await tarOf(files)] });
  const good = await ociArchive(await simple('bad:1'));
  const other = await simple('bad:1');
  const refused: [string, Buffer, RegExp][] = [
    ['a file above the root', await layer({ name: '../evil', content: 'x' }), /leads out/],
    ['a file above the root, hidden in the middle', await layer({ name: 'a/../../evil', content: 'x' }), /leads out/],
    ['a hard link above the root', await layer({ name: 'evil', type: 'link', linkname: '../../../etc/passwd' }), /leads out/],
    ['a hard link to nothing', await layer({ name: 'evil', type: 'link', linkname: 'nothing' }), /ENOENT/],
    ['a device node', await layer({ name: 'etc/disk', type: 'block-device', devmajor: 254, devminor: 0 }), /device node/],
    ['a whiteout of its own folder', await layer({ name: 'a/.wh...', content: '' }), /names nothing/],
    ['a link to itself', await layer({ name: 'l', type: 'symlink', linkname: 'l' }, { name: 'l/f', content: 'x' }), /symbolic links/],
    ['a file that is a folder', await layer({ name: 'f', content: 'x' }, { name: 'f/g', content: 'x' }), /a file and a folder/],
    ['content with another digest', await ociArchive({ ...other, diffIds: [digestOf('other')] }), /has the digest/],
    ['more layers than content', await ociArchive({ ...other, diffIds: [digestOf('a'), digestOf('b')] }), /names 2 layers/],
    ['another architecture', await ociArchive({ ...other, architecture: 'pdp11' }), /pdp11/],
    [
      'a layer that is no tar',
      await ociArchive({ name: 'bad:1', layers: [Buffer.from('this is no tar file, not at all'.repeat(40))] }),
      /layer 1/,
    ],
    ['an archive that breaks off', good.subarray(0, good.length / 2), /image archive/],
    ['no archive', Buffer.from('hello'.repeat(300)), /image archive/],
    ['nothing', Buffer.alloc(0), /no image/],
    ['an empty archive', await tarOf([]), /no image/],
    ['a name that is none', await ociArchive({ ...other, name: 'No/Good:1' }), /reference format/],
    ['an archive with a file above its root', await tarOf([{ name: '../../evil', content: 'x' }]), /leads out/],
    ['a manifest that is no JSON', await tarOf([{ name: 'manifest.json', content: '{' }]), /no JSON/],
    ['a manifest that is no list', await tarOf([{ name: 'manifest.json', content: '{}' }]), /no list/],
    [
      'a configuration outside',
      await tarOf([{ name: 'manifest.json', content: '[{"Config":"../../etc/passwd","Layers":[]}]' }]),
      /leads out/,
    ],
    ['a layer that is missing', await tarOf([{ name: 'manifest.json', content: '[{"Config":"c","Layers":["l"]}]' }]), /missing/],
    ['a link out of the archive', await tarOf([{ name: 'a/layer.tar', type: 'symlink', linkname: '../../../etc/passwd' }]), /leads out/],
  ];
  const { store, directory } = await newStore(t);
  const before = readdirSync(directory, { recursive: true }).sort();
  for (const [what, archive, reason] of refused) {
    await assert.rejects(
      store.load(bytes(archive)),
      (error: unknown) => {
        assert.ok(isRuntimeError(error), `${what}: ${String(error)}`);
        assert.match(error.message, reason, what);
        return true;
      },
      what,
    );
    assert.equal((await store.listImages()).length, 1, what);
    assert.deepEqual(readdirSync(directory, { recursive: true }).sort(), before, what);
  }
  await assert.rejects(store.load(join(directory, 'no-such.tar')), /there is no file/);
});

test('names that point outside stay inside', { skip }, async (t) => {
  const outside = await mkdtemp(join(tmpdir(), 'gokube-outside-'));
  t.after(() => rm(outside, { recursive: true }));
  const { store, directory } = await newStore(t);
  const files: TestFile[] = [
    { name: '/absolute', content: '1' },
    { name: 'out', type: 'symlink', linkname: outside },
    { name: 'out/file', content: '2' },
    { name: 'up', type: 'symlink', linkname: '../../../../../..' },
    { name: `up${outside}/deep`, content: '3' },
    { name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 3 },
  ];
  await store.load(
    bytes(await ociArchive({ name: 'confined:1', layers: [await tarOf([{ name: 'base', content: '0' }]), await tarOf(files)] })),
  );
  assert.deepEqual(readdirSync(outside), []);
  const seen = await filesOf(directory, store, 'confined:1');
  assert.equal(seen['absolute'], '1');
  assert.equal(seen[`${outside.slice(1)}/file`], '2');
  assert.equal(seen[`${outside.slice(1)}/deep`], '3');
  assert.equal(seen['dev/null'], undefined);
});

test('an image may have as many layers as builders make', { skip }, async (t) => {
  const { store, directory } = await newStore(t);
  const layers = await Promise.all(
    Array.from({ length: 50 }, (_, at) =>
      tarOf([
        { name: `f${at}`, content: String(at) },
        { name: 'last', content: String(at) },
      ]),
    ),
  );
  await store.load(bytes(await ociArchive({ name: 'deep:1', layers })));
  const seen = await filesOf(directory, store, 'deep:1');
  assert.equal(Object.keys(seen).length, 51);
  assert.equal(seen['last'], '49');
});

test('a layer is kept once, and as long as an image or a container stands on it', { skip }, async (t) => {
  const { store, directory, reopen } = await newStore(t);
  const base = await tarOf([{ name: 'base', content: '1' }]);
  const one = await tarOf([{ name: 'one', content: '1' }]);
  const two = await tarOf([{ name: 'two', content: '2' }]);
  await store.load(bytes(await ociArchive({ name: 'a:1', layers: [base, one] }, { name: 'b:1', layers: [base, two] })));
  const layers = (): number => readdirSync(join(directory, 'layers')).filter((name) => !/json|empty/.test(name)).length;
  assert.equal(layers(), 3);
  await store.removeImage('a:1');
  assert.equal(layers(), 2);
  await store.use('b:1', 'container');
  await store.removeImage('b:1');
  await store.removeImage('b:1');
  assert.equal(layers(), 2);
  assert.equal(await store.imageStatus('b:1'), undefined);
  store.release('container');
  await store.removeImage('nothing:1');
  assert.equal(layers(), 0);
  assert.deepEqual(
    (await (await reopen()).listImages()).map(({ tags }) => tags[0]),
    ['gokube/host:latest'],
  );
});

test('images are there after a restart; what an unfinished load left is not', { skip }, async (t) => {
  const { store, directory, reopen } = await newStore(t);
  await store.load(bytes(await ociArchive(await simple('hello:1'))));
  await mkdir(join(directory, 'loading/abc'), { recursive: true });
  await mkdir(join(directory, 'layers/orphan'));
  const again = await reopen();
  assert.equal((await again.imageStatus('hello'))?.id, undefined);
  assert.ok(await again.imageStatus('hello:1'));
  assert.equal(existsSync(join(directory, 'loading')), false);
  assert.equal(existsSync(join(directory, 'layers/orphan')), false);
  assert.deepEqual(await filesOf(directory, again, 'hello:1'), { hello: 'hi' });
});

test('a name moves to the image that was loaded last; the other keeps its id', { skip }, async (t) => {
  const { store } = await newStore(t);
  const [old] = await store.load(bytes(await ociArchive(await simple('hello:1'))));
  const [fresh] = await store.load(
    bytes(await ociArchive({ ...(await simple('hello:1')), layers: [await tarOf([{ name: 'new', content: '' }])] })),
  );
  assert.equal((await store.imageStatus('hello:1'))?.id, fresh?.id);
  assert.deepEqual((await store.imageStatus(old?.id ?? ''))?.tags, []);
});

test('the built-in image has any tag, is never pulled, and stays', { skip }, async (t) => {
  const { store } = await newStore(t);
  for (const name of ['gokube/host', 'gokube/host:v9', 'docker.io/gokube/host:latest'])
    assert.equal(await store.pullImage(name), (await store.listImages())[0]?.id);
  await assert.rejects(store.removeImage('gokube/host'), /built in/);
  await assert.rejects(store.pullImage('nginx'), /"nginx:latest" is not on this machine; load it from a file with: gokube image load/);
});
