import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { OpenStoreOptions } from '../pkg/storage/open-store.node.ts';
import { UserError } from './gokube/program.ts';

export interface EtcdFlags {
  readonly etcdCafile?: string;
  readonly etcdCertfile?: string;
  readonly etcdKeyfile?: string;
}

/** How an etcd behind https is trusted, and convinced; by the names of kube-apiserver's flags. */
export function withEtcdFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--etcd-cafile <file>', 'PEM of the authority that signed the certificates of an etcd behind https').env(
        'GOKUBE_ETCD_CAFILE',
      ),
    )
    .addOption(new Option('--etcd-certfile <file>', 'PEM of the certificate to show to etcd').env('GOKUBE_ETCD_CERTFILE'))
    .addOption(new Option('--etcd-keyfile <file>', 'PEM of its key').env('GOKUBE_ETCD_KEYFILE'));
}

export function storeOptions({ etcdCafile, etcdCertfile, etcdKeyfile }: EtcdFlags): OpenStoreOptions {
  if ((etcdCertfile === undefined) !== (etcdKeyfile === undefined))
    throw new UserError('--etcd-certfile and --etcd-keyfile go together', { exitCode: 2 });
  const read = (name: string, file: string | undefined): Record<string, Buffer> => {
    if (file === undefined) return {};
    try {
      return { [name]: readFileSync(file) };
    } catch (error) {
      throw new UserError(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
    }
  };
  const tls = { ...read('ca', etcdCafile), ...read('cert', etcdCertfile), ...read('key', etcdKeyfile) };
  return Object.keys(tls).length === 0 ? {} : { etcd: { tls } };
}
