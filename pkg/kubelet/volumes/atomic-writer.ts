import type { HostFiles } from '../kubelet-host.ts';

/** Files of a volume by their paths in it. */
export type VolumeFiles = ReadonlyMap<string, { readonly data: Uint8Array; readonly mode: number }>;

/**
 * Publishes a volume's files all at once: they are written to a directory of their own, `..data` is pointed to it in
 * one rename, and each visible name is a link through `..data`. A reader sees either all of the old or all of the
 * new. Kubernetes: AtomicWriter. `generation` names the directory and must differ from the one before.
 */
export async function writeAtomically(files: HostFiles, directory: string, payload: VolumeFiles, generation: string): Promise<void> {
  await files.makeDirectory(directory, 0o755);
  const previous = await files.readLink(`${directory}/..data`);
  const name = `..${generation}`;
  await files.makeDirectory(`${directory}/${name}`, 0o755);
  for (const [path, { data, mode }] of payload) {
    const target = `${directory}/${name}/${path}`;
    if (path.includes('/')) await files.makeDirectory(target.slice(0, target.lastIndexOf('/')), 0o755);
    await files.writeFile(target, data, mode);
  }
  await files.remove(`${directory}/..data_tmp`);
  await files.symlink(name, `${directory}/..data_tmp`);
  await files.rename(`${directory}/..data_tmp`, `${directory}/..data`);

  const visible = new Set([...payload.keys()].map((path) => path.split('/')[0] as string));
  const present = (await files.list(directory)) ?? [];
  for (const top of visible) if (!present.includes(top)) await files.symlink(`..data/${top}`, `${directory}/${top}`);
  for (const top of present) if (!top.startsWith('..') && !visible.has(top)) await files.remove(`${directory}/${top}`);
  if (previous !== undefined && previous !== name) await files.remove(`${directory}/${previous}`);
}
