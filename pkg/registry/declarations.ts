import { InvariantError } from '../api/errors.ts';
import resourceFacts from '../api/facts/resources.json' with { type: 'json' };
import type { ResourceFact } from '../api/facts.ts';
import { definitionOfKind } from '../runtime/schema.ts';
import type { ResourceDeclaration, TableColumn } from './contract.ts';
import { selectableFieldsOf } from './selectable-fields.ts';
import { storagePrefixOf } from './storage-prefix.ts';

/**
 * One declaration per served resource and version, from the facts; tables' columns and selectable fields are joined
 * from the tables that know them. Kinds that are only posted and never stored are declared too: discovery lists them.
 */
export function builtinDeclarations(columnsOf: (definition: string) => readonly TableColumn[]): ResourceDeclaration[] {
  const facts = Object.entries(resourceFacts as unknown as Readonly<Record<string, ResourceFact>>);
  const subresources = new Map<string, Record<string, { verbs: readonly string[]; kind: readonly [string, string, string] }>>();
  for (const [path, fact] of facts) {
    const [group, version, resource, subresource] = path.split('/') as [string, string, string, string | undefined];
    if (subresource === undefined) continue;
    const owner = `${group}/${version}/${resource}`;
    const known = subresources.get(owner) ?? {};
    known[subresource] = { verbs: fact.verbs, kind: fact.kind };
    subresources.set(owner, known);
  }
  const out: ResourceDeclaration[] = [];
  for (const [path, fact] of facts) {
    const [group, version, resource, subresource] = path.split('/') as [string, string, string, string | undefined];
    if (subresource !== undefined) continue;
    const definition = definitionOfKind(...fact.kind);
    if (definition === undefined) throw new InvariantError(`the facts name no definition for ${fact.kind.join('/')}`);
    out.push({
      group,
      version,
      resource,
      kind: fact.kind[2],
      singular: fact.singular ?? '',
      shortNames: fact.shortNames ?? [],
      categories: fact.categories ?? [],
      namespaced: fact.namespaced,
      verbs: fact.verbs,
      subresources: subresources.get(path) ?? {},
      definition,
      storagePrefix: storagePrefixOf(group, resource),
      columns: columnsOf(definition),
      selectableFields: selectableFieldsOf(group, resource),
    });
  }
  return out;
}
