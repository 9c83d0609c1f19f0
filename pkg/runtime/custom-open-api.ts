/** What a CustomResourceDefinition contributes to OpenAPI: the components of its kind and of the list of it. */
import { commonDescriptions } from '../api/descriptions.ts';
import type { JSONSchemaProps, SelectableField } from '../api/generated/apiextensions-v1.ts';
import { type CustomKind, customDefinition } from './custom-schema.ts';
import type { JsonObject } from './values.ts';

const meta = '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.';
const typeMeta = {
  apiVersion: { type: 'string', description: commonDescriptions.apiVersion },
  kind: { type: 'string', description: commonDescriptions.kind },
};

export interface CustomOpenApiOptions {
  /** `WidgetList` unless the definition says otherwise. */
  readonly listKind?: string;
  readonly plural?: string;
  /** Fields that objects can be selected by. */
  readonly selectable?: readonly SelectableField[];
}

/** By component name, as `OpenApiResource.components` takes them. */
export function customOpenApi(
  props: JSONSchemaProps | undefined,
  kind: CustomKind,
  { listKind = `${kind.kind}List`, plural = '', selectable = [] }: CustomOpenApiOptions = {},
): Record<string, JsonObject> {
  const name = customDefinition(kind);
  const gvk = (text: string): JsonObject[] => [{ group: kind.group, kind: text, version: kind.version }];
  const paths = selectable.map(({ jsonPath }) => ({ fieldPath: jsonPath.replace(/^\./, '') }));
  const selected = paths.length === 0 ? {} : { 'x-kubernetes-selectable-fields': paths };
  const source = (props ?? { 'x-kubernetes-preserve-unknown-fields': true }) as JsonObject;
  const properties = { ...(source['properties'] as JsonObject | undefined) };
  return {
    [name]: {
      ...source,
      type: 'object',
      properties: {
        ...properties,
        ...typeMeta,
        metadata: { allOf: [{ $ref: `${meta}ObjectMeta` }], description: commonDescriptions.metadata },
      },
      'x-kubernetes-group-version-kind': gvk(kind.kind),
      ...selected,
    },
    [`${name}List`]: {
      description: `${listKind} is a list of ${kind.kind}`,
      type: 'object',
      required: ['items'],
      properties: {
        ...typeMeta,
        items: {
          type: 'array',
          description: plural === '' ? 'The objects.' : `List of ${plural}.`,
          items: { $ref: `#/components/schemas/${name}` },
        },
        metadata: { allOf: [{ $ref: `${meta}ListMeta` }], description: 'What the list says of itself.' },
      },
      'x-kubernetes-group-version-kind': gvk(listKind),
      ...selected,
    },
  };
}
