import { badRequest } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { type FieldTerm, formatFieldSelector, type Selector } from '../../api/selectors.ts';
import type { ResourceDeclaration } from '../contract.ts';
import type { StoredEntry } from '../stored-entry.ts';

/** What a list or watch is asked for: a scope that indexes answer, and a test for the rest. */
export interface Filter {
  readonly namespaced: boolean;
  /** Empty: all namespaces. */
  readonly namespace: string;
  /** Set when only one name can match. */
  readonly name: string | undefined;
  /** Set when the field that the resource is indexed by (`spec.nodeName` of pods) must have this value. */
  readonly indexed: string | undefined;
  /** The test for everything but namespace and name; undefined: there is nothing to test. */
  readonly matches: ((entry: StoredEntry) => boolean) | undefined;
  /** The same test, of an object. */
  readonly test: ((object: KubeObject) => boolean) | undefined;
  /** Events say what was there before. */
  readonly tellsPrevious?: boolean;
  /** True when labels or fields narrow it: then nobody counts what remains. */
  readonly selective: boolean;
  /** Two filters with one id select the same. */
  readonly id: string;
}

export interface FilterQuery {
  readonly namespace: string;
  readonly labels?: Selector;
  readonly fields?: readonly FieldTerm[];
}

/** Throws BadRequest for a field that this resource cannot be selected by. */
export function filterOf(query: FilterQuery, declaration: ResourceDeclaration, indexedField: string | undefined): Filter {
  const { labels, fields = [] } = query;
  let { namespace } = query;
  let name: string | undefined;
  let indexed: Filter['indexed'];
  const rest: FieldTerm[] = [];
  for (const term of fields) {
    if (term.value === '' && term.equal && term.field === 'metadata.namespace') continue;
    if (term.field === 'metadata.name') {
      if (term.equal && name === undefined) name = term.value;
      else rest.push(term);
    } else if (!isSelectable(term.field, declaration)) {
      throw unsupportedField(term.field, declaration);
    } else if (term.field === 'metadata.namespace') {
      if (term.equal && namespace === '' && declaration.namespaced) namespace = term.value;
      else rest.push(term);
    } else {
      if (term.equal && term.field === indexedField) indexed ??= term.value;
      rest.push(term);
    }
  }
  const requirements = labels && labels.requirements.length > 0 ? labels : undefined;
  const tests: ((object: KubeObject) => boolean)[] = [];
  if (requirements) tests.push((object) => requirements.matches(object.metadata.labels));
  for (const term of rest) {
    const read = fieldReader(term.field, declaration);
    tests.push((object) => (read(object) === term.value) === term.equal);
  }
  const only = tests.length === 1 ? tests[0] : undefined;
  const test = only ?? ((object: KubeObject) => tests.every((holds) => holds(object)));
  return {
    namespaced: declaration.namespaced,
    namespace,
    name,
    indexed,
    matches: tests.length === 0 ? undefined : (entry) => test(entry.peek()),
    test: tests.length === 0 ? undefined : test,
    selective: fields.length > 0 || requirements !== undefined,
    id: `${namespace}|${requirements?.toString() ?? ''}|${formatFieldSelector(fields)}`,
  };
}

/** The scope alone: everything that is in it, whatever its labels and fields, and with what was there before. */
export function scopeOf(filter: Filter): Filter {
  const { namespace, name } = filter;
  return {
    ...filter,
    matches: undefined,
    test: undefined,
    selective: name !== undefined,
    tellsPrevious: true,
    id: `${namespace}|${name ?? ''}|all`,
  };
}

function fieldReader(field: string, declaration: ResourceDeclaration): (object: KubeObject) => string {
  if (field === 'metadata.name') return (object) => object.metadata.name;
  if (field === 'metadata.namespace') return (object) => object.metadata.namespace ?? '';
  return declaration.selectableFields[field] as (object: KubeObject) => string;
}

/**
 * Kinds with fields of their own say for themselves which they are: without a namespace they do not name it, where the
 * others do, though nothing has one.
 */
export function isSelectable(field: string, { group, resource, namespaced, selectableFields, custom }: ResourceDeclaration): boolean {
  if (field === 'metadata.name') return true;
  if (field !== 'metadata.namespace') return Object.hasOwn(selectableFields, field);
  if (group === 'certificates.k8s.io' && resource === 'podcertificaterequests') return false;
  return namespaced || (custom === undefined && Object.keys(selectableFields).length === 0);
}

/** The words differ by kind, as they do in Kubernetes. */
export function unsupportedField(field: string, { group, version, kind, selectableFields, custom }: ResourceDeclaration): Error {
  if (group === 'batch' && kind === 'Job') return badRequest(`field label ${JSON.stringify(field)} not supported for Job`);
  if (kind === 'ResourceSlice' && group === 'resource.k8s.io') {
    return badRequest(`field label not supported for ${group}/${version}, Kind=${kind}: ${field}`);
  }
  if (custom || Object.keys(selectableFields).length > 0) return badRequest(`field label not supported: ${field}`);
  return badRequest(`"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`);
}
