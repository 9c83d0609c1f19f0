import { UserError } from './program.ts';

/** Says a start-up failure in one line, with the flag or the .env variable that would change it. */
export function explainFailure(error: unknown, where: { readonly directory: string; readonly host: string; readonly port: number }): Error {
  if (error instanceof UserError) return error;
  const known = error instanceof Error ? error : new Error(String(error));
  const { code } = (known.cause ?? known) as NodeJS.ErrnoException;
  const direct = (known as NodeJS.ErrnoException).code;
  const options = { cause: error };
  switch (direct ?? code) {
    case 'EADDRINUSE':
      return new UserError(`port ${where.port} at ${where.host} is in use by another program`, {
        ...options,
        hint: `choose another with --port, or PORT in .env: PORT=${where.port + 1} make run`,
      });
    case 'EACCES':
    case 'EPERM':
      return new UserError(`not allowed: ${known.message}`, {
        ...options,
        hint: 'run it as root, or choose another place with --data-dir',
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new UserError(`this machine has no address ${where.host}`, {
        ...options,
        hint: 'choose another with --host, or HOST in .env',
      });
    case 'ENOSPC':
    case 'NoSpace':
      return new UserError(`no space left for ${where.directory}: ${known.message}`, {
        ...options,
        hint: 'free some, or choose another place with --data-dir; nothing that was acknowledged is lost',
      });
    case 'InUse':
      return new UserError(known.message, {
        ...options,
        hint: 'stop the other with: gokube down; or choose another place with --data-dir',
      });
    case 'Unavailable':
      return new UserError(known.message, {
        ...options,
        hint: 'does etcd run there, and may it be reached? For https it takes --etcd-cafile, --etcd-certfile and --etcd-keyfile',
      });
    case 'Damaged':
    case 'WrongVersion':
      return new UserError(known.message, {
        ...options,
        hint: 'have a snapshot back elsewhere with: gokube snapshot restore FILE --data-dir DIR; or begin anew with: gokube delete',
      });
    default:
      return known;
  }
}
