import { RuntimeError } from '../../cri.ts';

/** An image's name taken apart and completed: `nginx` is `docker.io/library/nginx:latest`. */
export interface Reference {
  /** `docker.io/library/nginx` */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:...` */
  readonly digest?: string;
}

const component = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const domain = /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::\d+)?$/;

/** The grammar of the distribution project (distribution/reference). Throws RuntimeError `InvalidImageName`. */
export function parseReference(text: string): Reference {
  const invalid = (why: string): RuntimeError =>
    new RuntimeError('InvalidImageName', `couldn't parse image name "${text}": invalid reference format${why}`);
  const [, name, tag, digest] = /^([^@]*?)(?::([^:/@]*))?(?:@(.*))?$/.exec(text) ?? [];
  if (!name || text.length > 4096) throw invalid('');
  if (tag !== undefined && !/^\w[\w.-]{0,127}$/.test(tag)) throw invalid(`: the tag "${tag}" is not valid`);
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest)) throw invalid(`: the digest "${digest}" is not valid`);
  const parts = name.split('/');
  const first = parts[0] as string;
  const hasDomain = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const host = hasDomain ? first : 'docker.io';
  const path = hasDomain ? parts.slice(1) : parts;
  if (!domain.test(host)) throw invalid('');
  for (const part of path) {
    if (part !== part.toLowerCase()) throw invalid(`: repository name (${path.join('/')}) must be lowercase`);
    if (!component.test(part)) throw invalid('');
  }
  if (path.join('/').length > 255) throw invalid(': repository name must not be more than 255 characters');
  const repository = host === 'docker.io' && path.length === 1 ? `docker.io/library/${path[0]}` : `${host}/${path.join('/')}`;
  if (digest !== undefined) return { repository, digest };
  return { repository, tag: tag ?? 'latest' };
}

/** The name in full, as images are filed under. */
export function canonicalName({ repository, tag, digest }: Reference): string {
  return digest === undefined ? `${repository}:${tag ?? 'latest'}` : `${repository}@${digest}`;
}

/** As people write it: without Docker's default registry. */
export function familiarName(canonical: string): string {
  return canonical.replace(/^docker\.io\/(?:library\/)?/, '');
}
