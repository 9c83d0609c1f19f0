/** A CustomResourceDefinition as declarations: one per served version, the same that built-in resources have. */
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../api/generated/apiextensions-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { customOpenApi } from '../../runtime/custom-open-api.ts';
import { customDefinition, schemaFromOpenApi } from '../../runtime/custom-schema.ts';
import type { ResourceDeclaration } from '../contract.ts';
import { raw } from '../raw.ts';
import { hasCondition } from './definition-status.ts';
import { printerColumns } from './printer-columns.ts';
import { parseSimplePath, valueAt } from './simple-path.ts';

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const subresourceVerbs = ['get', 'patch', 'update'];

/** Those that are served, in the order of the definition. Names are the accepted ones. */
export function declarationsOf(definition: CustomResourceDefinition): ResourceDeclaration[] {
  return definition.spec.versions.filter(({ served }) => served).map((version) => declarationOf(definition, version));
}

export function declarationOf(definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion): ResourceDeclaration {
  const { spec, status } = definition;
  const names = status.acceptedNames;
  const kind = { group: spec.group, version: version.name, kind: spec.names.kind };
  const props = version.schema?.openAPIV3Schema;
  const listKind = names.listKind || `${spec.names.kind}List`;
  const { status: hasStatus, scale } = version.subresources ?? {};
  const own = { verbs: subresourceVerbs, kind: [kind.group, kind.version, kind.kind] as const };
  return {
    ...kind,
    resource: spec.names.plural,
    singular: names.singular || spec.names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: spec.scope === 'Namespaced',
    verbs,
    subresources: {
      ...(hasStatus === undefined ? {} : { status: own }),
      ...(scale === undefined ? {} : { scale: { verbs: subresourceVerbs, kind: ['autoscaling', 'v1', 'Scale'] as const } }),
    },
    definition: customDefinition(kind),
    storagePrefix: `${spec.group}/${spec.names.plural}`,
    columns: printerColumns(version.additionalPrinterColumns),
    selectableFields: selectableFieldsOf(version),
    custom: {
      schema: schemaFromOpenApi(props, kind, hasStatus !== undefined),
      listKind,
      storageVersion: storageVersionOf(definition),
      deprecation: deprecationOf(version, kind),
      terminating: hasCondition(definition, 'Terminating'),
      scale,
    },
    components: customOpenApi(props, kind, { listKind, plural: names.plural, selectable: version.selectableFields ?? [] }),
  };
}

export function storageVersionOf({ spec }: CustomResourceDefinition): string {
  return spec.versions.find(({ storage }) => storage)?.name ?? '';
}

function deprecationOf(version: CustomResourceDefinitionVersion, { group, kind }: { group: string; kind: string }): string | undefined {
  if (!version.deprecated) return undefined;
  return version.deprecationWarning ?? `${group}/${version.name} ${kind} is deprecated`;
}

function selectableFieldsOf({ selectableFields = [] }: CustomResourceDefinitionVersion): ResourceDeclaration['selectableFields'] {
  const fields: Record<string, (object: KubeObject) => string> = {};
  for (const { jsonPath } of selectableFields) {
    const names = parseSimplePath(jsonPath);
    if (!names) continue;
    fields[jsonPath.replace(/^\./, '')] = (object) => {
      const value = valueAt(raw(object), names);
      return value === undefined || value === null ? '' : String(value);
    };
  }
  return fields;
}
