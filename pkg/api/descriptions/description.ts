/** Type to field to text; the type's own text stands under the empty name. `core.v1.Pod`, `meta.v1.ObjectMeta`. */
export type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>;
