import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { ImageStatus } from '../../../pkg/cluster/node/control-protocol.ts';
import { connectToCluster } from '../cluster-directory.ts';
import { type Column, type OutputFormat, outputFlag, printRows } from '../output.ts';
import { type ClusterFlags, UserError, withClusterFlags } from '../program.ts';
import { Terminal } from '../terminal.ts';

const columns: Column<ImageStatus>[] = [
  { title: 'IMAGE', cell: (image) => image.tags.join(', ') || '<none>' },
  { title: 'ID', cell: (image) => image.id.replace('sha256:', '').slice(0, 12) },
  { title: 'SIZE', cell: (image) => formatBytes(image.sizeBytes) },
  { title: 'DIGEST', wide: true, cell: (image) => image.id },
];

export function imageCommand(): Command {
  const command = new Command('image').description('load, list and remove container images');
  withClusterFlags(command.command('load'))
    .description('load images from OCI or docker-archive tarballs (docker save, skopeo, buildah)')
    .argument('<tarball...>', 'files to load')
    .action(async (files: string[], flags: ClusterFlags) => {
      const control = await connectToCluster(flags);
      for (const file of files) {
        const path = resolve(file);
        if (!existsSync(path)) throw new UserError(`${file}: no such file`);
        const done = new Terminal(process.stderr).phase(`loading ${file}`);
        try {
          done(`loaded ${(await control.loadImage(path)).join(', ')}`);
        } catch (error) {
          done(`could not load ${file}`, true);
          throw error;
        }
      }
    });
  withClusterFlags(command.command('ls'))
    .alias('list')
    .description('list the images that nodes can run')
    .addOption(outputFlag())
    .action(async (flags: ClusterFlags & { output?: OutputFormat }) => {
      const control = await connectToCluster(flags);
      printRows(await control.listImages(), columns, (image) => image.tags[0] ?? image.id, flags.output);
    });
  withClusterFlags(command.command('rm'))
    .description('remove images')
    .argument('<image...>', 'names or ids')
    .action(async (images: string[], flags: ClusterFlags) => {
      const control = await connectToCluster(flags);
      for (const image of images) {
        process.stderr.write((await control.removeImage(image)) ? `${image} removed\n` : `no image "${image}": nothing to remove\n`);
      }
    });
  return command;
}

function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let at = 0;
  let value = bytes;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return `${at === 0 ? value : value.toFixed(1)} ${units[at]}`;
}
