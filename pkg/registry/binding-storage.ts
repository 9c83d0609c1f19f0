import { ApiError, badRequest } from '../api/errors.ts';
import type { KubeObject } from '../api/object.ts';
import type { Entry, RequestContext, ResourceDeclaration, ResourceStorage } from './contract.ts';

/** The legacy way to bind: a Binding posted to `bindings` of a namespace, which names the pod in its metadata. */
export class BindingStorage implements ResourceStorage {
  readonly declaration: ResourceDeclaration;
  readonly #pods: ResourceStorage;

  constructor(declaration: ResourceDeclaration, pods: ResourceStorage) {
    this.declaration = declaration;
    this.#pods = pods;
  }

  async create(context: RequestContext, namespace: string, binding: KubeObject): Promise<Entry> {
    const { name } = binding.metadata;
    if (!name) throw badRequest('name must be provided');
    return (await this.#pods.update(context, { namespace, name }, () => binding, { subresource: 'binding' })).entry;
  }

  get = unsupported;
  list = unsupported;
  history = unsupported;
  update = unsupported;
  delete = unsupported;
  deleteCollection = unsupported;
  watch(): never {
    throw notAllowed();
  }
}

function notAllowed(): ApiError {
  return new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

async function unsupported(): Promise<never> {
  throw notAllowed();
}
