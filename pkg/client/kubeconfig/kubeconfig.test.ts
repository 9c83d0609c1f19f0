import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mergeKubeconfigs, parseKubeconfig, resolveContext, setContext, unsetContext } from './kubeconfig.ts';
import { kubeconfigPaths, loadKubeconfig, removeContext, writeContext } from './kubeconfig-files.node.ts';

const credentials = {
  server: 'https://127.0.0.1:6443',
  certificateAuthority: '-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n',
  clientCertificate: '-----BEGIN CERTIFICATE-----\nYg==\n-----END CERTIFICATE-----\n',
  clientKey: '-----BEGIN PRIVATE KEY-----\nYw==\n-----END PRIVATE KEY-----\n',
};
const foreign = `# my clusters
apiVersion: v1
kind: Config
clusters:
- cluster: {server: "https://example.test"} # the big one
  name: prod
contexts:
- context:
    cluster: prod
    user: me
  name: prod
current-context: prod
users:
- name: me
  user:
    exec: {command: aws}
extensions:
- name: x
`;
const readFileNever = () => Promise.reject(new Error('no file is needed'));

test('a context that is set can be resolved again, beside what was there, comments included', async () => {
  const text = setContext(foreign, 'gokube-default', credentials);
  assert.match(text, /# my clusters/);
  assert.match(text, /# the big one/);
  assert.match(text, /extensions/);
  const config = parseKubeconfig(text);
  assert.equal(config.currentContext, 'gokube-default');
  assert.deepEqual([...config.clusters.keys()], ['prod', 'gokube-default']);
  assert.deepEqual(await resolveContext(config, { readFile: readFileNever }), credentials);
  await assert.rejects(resolveContext(config, { context: 'prod', readFile: readFileNever }), /plugin/);
  await assert.rejects(resolveContext(config, { context: 'x', readFile: readFileNever }), /context "x" does not exist/);
});

test('a new file says of every name and value what was meant, whatever it could be taken for', async () => {
  const odd = [
    'true',
    'null',
    'off',
    '123',
    '1.5',
    '~',
    'a: b',
    '- a',
    '#a',
    'a #b',
    "it's",
    '"quoted"',
    'ä\n',
    ' a',
    'a ',
    '{}',
    '@a',
    '2026-01-01',
    'gokube-default',
  ];
  for (const text of odd) {
    const given = { ...credentials, token: text, namespace: text, serverName: text, insecure: true };
    const config = parseKubeconfig(setContext('', text, given));
    assert.equal(config.currentContext, text);
    assert.deepEqual(await resolveContext(config, { readFile: readFileNever }), given);
  }
  const config = parseKubeconfig(setContext(' \n', 'a', { server: 'https://[::1]:6443' }));
  assert.deepEqual(await resolveContext(config, { readFile: readFileNever }), { server: 'https://[::1]:6443' });
});

test('setting twice is setting once; unsetting leaves what was there before; unsetting what is not there changes nothing', () => {
  const once = setContext(foreign, 'gokube-default', credentials);
  assert.equal(setContext(once, 'gokube-default', credentials), once);
  const without = unsetContext(once, 'gokube-default');
  assert.equal(parseKubeconfig(without ?? '').currentContext, '');
  assert.deepEqual([...parseKubeconfig(without ?? '').users.keys()], ['me']);
  assert.equal(unsetContext(foreign, 'gokube-default'), undefined);
  const fresh = setContext('', 'gokube-a', credentials);
  assert.match(fresh, /^apiVersion: v1\nkind: Config\n/);
  assert.match(unsetContext(fresh, 'gokube-a') ?? '', /clusters: \[\]/);
});

test('of several files, the first that says something of a name counts', () => {
  const first = parseKubeconfig(setContext('', 'a', { ...credentials, server: 'https://first' }));
  const second = parseKubeconfig(setContext(setContext('', 'a', credentials), 'b', credentials));
  const merged = mergeKubeconfigs([first, second]);
  assert.equal(merged.clusters.get('a')?.values['server'], 'https://first');
  assert.ok(merged.contexts.has('b'));
  assert.equal(merged.currentContext, 'a');
});

test('the files are those that kind would take', () => {
  const home = '/home/me';
  assert.deepEqual(kubeconfigPaths({ home }), ['/home/me/.kube/config']);
  assert.deepEqual(kubeconfigPaths({ home, environment: '/a::/b:/a' }), ['/a', '/b']);
  assert.deepEqual(kubeconfigPaths({ home, environment: ':' }), ['/home/me/.kube/config']);
  assert.deepEqual(kubeconfigPaths({ home, environment: '/a', explicit: '/x' }), ['/x']);
});

test('writing goes to the first file that is there, else the last; links and modes stay; what is no kubeconfig is left alone', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  t.after(() => rm(folder, { recursive: true }));
  const [a, b] = [join(folder, 'sub', 'a'), join(folder, 'b')];
  const location = { home: folder, environment: `${a}:${b}` };
  assert.equal(await writeContext(location, 'one', credentials), b);
  assert.equal((await stat(b)).mode & 0o777, 0o600);

  const real = join(folder, 'real');
  await writeFile(real, foreign, { mode: 0o640 });
  await mkdir(join(folder, 'sub'));
  await symlink(real, a);
  assert.equal(await writeContext(location, 'two', credentials), a);
  assert.match(await readFile(real, 'utf8'), /two/);
  assert.equal((await stat(real)).mode & 0o777, 0o640);
  assert.deepEqual([...(await loadKubeconfig(location)).contexts.keys()], ['prod', 'two', 'one']);
  assert.deepEqual(await removeContext(location, 'one'), [b]);
  assert.deepEqual(await removeContext(location, 'one'), []);

  await writeFile(b, 'a: [b');
  await assert.rejects(writeContext({ home: folder, explicit: b }, 'x', credentials), /b: not a kubeconfig/);
  assert.equal(await readFile(b, 'utf8'), 'a: [b');
});

test('writers at the same time all get their context in', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  t.after(() => rm(folder, { recursive: true }));
  const location = { home: folder };
  const names = Array.from({ length: 8 }, (_, i) => `c${i}`);
  await Promise.all(names.map((name) => writeContext(location, name, credentials)));
  assert.deepEqual([...(await loadKubeconfig(location)).contexts.keys()].sort(), names);
});
