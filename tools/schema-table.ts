/**
 * Joins the facts in `pkg/api/facts/` into one table, a line of text per type, which `pkg/runtime/schema.ts` reads:
 * small enough to load in a millisecond, and parsed one type at a time when that type is first met.
 *
 * A line is `<gvk>,... <atomic?>` and then `;<field> <type> <flags>...` for each field. A type is `[]T`, `{}T`, `@ref`
 * (without `io.k8s.`), or a scalar, with the name of its Go type after a colon where it has one. Flags: `!` required,
 * `+` a Go value and no pointer, `o` omitempty, `z` omitzero, `#n.m` the protobuf field (through an embedded message
 * `n`), `w` a list that protobuf wraps in a message, `l=` list type, `k=` list keys, `s=` patch strategy, `m=` patch merge key, `t=` map type, `d=` default in JSON.
 */
import type { DefinitionFact, FieldFact, GoFieldFact, MessageFact } from '../pkg/api/facts.ts';

export interface Facts {
  readonly definitions: Readonly<Record<string, DefinitionFact>>;
  readonly goFields: Readonly<Record<string, Readonly<Record<string, GoFieldFact>>>>;
  readonly messages: Readonly<Record<string, MessageFact>>;
}

const prefix = 'io.k8s.';
const aggregator = 'kube-aggregator.pkg.apis.apiregistration.v1.';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
/** Kinds that OpenAPI does not publish, and that clients ask for by media type. */
const moreDefinitions: Facts['definitions'] = {
  [`${meta}PartialObjectMetadata`]: {
    gvk: [
      ['meta.k8s.io', 'v1', 'PartialObjectMetadata'],
      ['meta.k8s.io', 'v1beta1', 'PartialObjectMetadata'],
    ],
    fields: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { ref: `${meta}ObjectMeta` } },
  },
  [`${meta}PartialObjectMetadataList`]: {
    gvk: [
      ['meta.k8s.io', 'v1', 'PartialObjectMetadataList'],
      ['meta.k8s.io', 'v1beta1', 'PartialObjectMetadataList'],
    ],
    required: ['items'],
    fields: {
      apiVersion: { type: 'string' },
      items: { type: 'array', items: { ref: `${meta}PartialObjectMetadata` } },
      kind: { type: 'string' },
      metadata: { ref: `${meta}ListMeta` },
    },
  },
};

/** What the facts leave out: the aggregator's types, and the fields of two of meta/v1. */
const moreGo: Facts['goFields'] = {
  [`${aggregator}APIService`]: {
    metadata: { go: 'metav1.ObjectMeta', omitempty: true },
    spec: { go: 'APIServiceSpec', omitempty: true },
    status: { go: 'APIServiceStatus', omitempty: true },
  },
  [`${aggregator}APIServiceList`]: { metadata: { go: 'metav1.ListMeta', omitempty: true }, items: { go: '[]APIService' } },
  [`${aggregator}APIServiceSpec`]: {
    service: { go: '*ServiceReference', omitempty: true },
    group: { go: 'string', omitempty: true },
    version: { go: 'string', omitempty: true },
    insecureSkipTLSVerify: { go: 'bool', omitempty: true },
    caBundle: { go: '[]byte', omitempty: true },
    groupPriorityMinimum: { go: 'int32' },
    versionPriority: { go: 'int32' },
  },
  [`${aggregator}APIServiceStatus`]: { conditions: { go: '[]APIServiceCondition', omitempty: true } },
  [`${aggregator}APIServiceCondition`]: {
    type: { go: 'APIServiceConditionType' },
    status: { go: 'ConditionStatus' },
    lastTransitionTime: { go: 'metav1.Time', omitempty: true },
    reason: { go: 'string', omitempty: true },
    message: { go: 'string', omitempty: true },
  },
  [`${aggregator}ServiceReference`]: {
    namespace: { go: 'string', omitempty: true },
    name: { go: 'string', omitempty: true },
    port: { go: '*int32', omitempty: true },
  },
  'api.admissionregistration.v1alpha1.MatchCondition': { name: { go: 'string' }, expression: { go: 'string' } },
  'apimachinery.pkg.apis.meta.v1.GroupResource': { group: { go: 'string' }, resource: { go: 'string' } },
  'apimachinery.pkg.apis.meta.v1.WatchEvent': { type: { go: 'string' }, object: { go: 'runtime.RawExtension' } },
};
const moreMessages: Facts['messages'] = {
  [`k8s.io.${aggregator.replace('-', '_')}APIService`]: {
    metadata: [1, 'ObjectMeta'],
    spec: [2, 'APIServiceSpec'],
    status: [3, 'APIServiceStatus'],
  },
  [`k8s.io.${aggregator.replace('-', '_')}APIServiceList`]: { metadata: [1, 'ListMeta'], items: [2, 'repeated APIService'] },
  [`k8s.io.${aggregator.replace('-', '_')}APIServiceSpec`]: {
    service: [1, 'ServiceReference'],
    group: [2, 'string'],
    version: [3, 'string'],
    insecureSkipTLSVerify: [4, 'bool'],
    caBundle: [5, 'bytes'],
    groupPriorityMinimum: [7, 'int32'],
    versionPriority: [8, 'int32'],
  },
  [`k8s.io.${aggregator.replace('-', '_')}APIServiceStatus`]: { conditions: [1, 'repeated APIServiceCondition'] },
  [`k8s.io.${aggregator.replace('-', '_')}APIServiceCondition`]: {
    type: [1, 'string'],
    status: [2, 'string'],
    lastTransitionTime: [3, 'Time'],
    reason: [4, 'string'],
    message: [5, 'string'],
  },
  [`k8s.io.${aggregator.replace('-', '_')}ServiceReference`]: { namespace: [1, 'string'], name: [2, 'string'], port: [3, 'int32'] },
};
/** Defaults that the facts name by their Go constant. */
const constants: Record<string, string> = {
  'ref(AzureDataDiskCachingReadWrite)': 'ReadWrite',
  'ref(AzureSharedBlobDisk)': 'Shared',
};
/** Structs without fields: the facts show them as any object. */
const emptyStructs = new Set([
  'io.k8s.api.apiserverinternal.v1alpha1.StorageVersionSpec',
  'io.k8s.api.scheduling.v1alpha2.BasicSchedulingPolicy',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus',
]);

/** Definition name to its line. */
export function schemaTable(facts: Facts): Record<string, string> {
  const goFields = { ...facts.goFields, ...moreGo };
  const messages = { ...facts.messages, ...moreMessages };
  const definitions = { ...facts.definitions, ...moreDefinitions };
  const table: Record<string, string> = {};
  for (const [name, definition] of Object.entries(definitions)) {
    if (!definition.fields && !emptyStructs.has(name)) continue;
    const head = [(definition.gvk ?? []).map((gvk) => gvk.join('/')).join(','), definition['map-type'] ?? ''].join(' ');
    const parts = [head];
    for (const [field, fact] of Object.entries(definition.fields ?? {})) {
      parts.push(fieldText(name, field, fact));
    }
    table[name] = parts.join(';');
  }
  return table;

  function fieldText(definition: string, field: string, fact: FieldFact): string {
    const short = definition.slice(prefix.length);
    const message = `k8s.io.${short.replaceAll('-', '_')}`;
    const found = locate(message, field);
    const go = goFields[short]?.[field] ?? (found && goFields[found.message.slice('k8s.io.'.length).replaceAll('_', '-')]?.[field]);
    if (!go && field !== 'kind' && field !== 'apiVersion') throw new Error(`no Go field for ${definition}.${field}`);
    if (!found && field !== 'kind' && field !== 'apiVersion' && !/version\.Info|v1\.WatchEvent/.test(definition)) {
      throw new Error(`no protobuf field for ${definition}.${field}`);
    }
    const words = [field, typeText(fact, go?.go ?? 'string')];
    if (definitions[definition]?.required?.includes(field)) words.push('!');
    if (go && !go.go.startsWith('*')) words.push('+');
    if (!go || go.omitempty) words.push('o');
    if (go?.omitzero) words.push('z');
    if (found) words.push(`#${found.path.join('.')}`);
    if (fact.items && found && !found.type.startsWith('repeated ')) words.push('w');
    if (fact['list-type']) words.push(`l=${fact['list-type']}`);
    if (fact['list-map-keys']) words.push(`k=${fact['list-map-keys'].join(',')}`);
    if (fact['patch-strategy']) words.push(`s=${fact['patch-strategy']}`);
    if (fact['patch-merge-key']) words.push(`m=${fact['patch-merge-key']}`);
    if (fact['map-type']) words.push(`t=${fact['map-type']}`);
    if (go?.default !== undefined) words.push(`d=${JSON.stringify(constants[String(go.default)] ?? go.default)}`);
    if (words.some((word) => /[ ;]/.test(word))) throw new Error(`a separator inside ${definition}.${field}: ${words.join('|')}`);
    return words.join(' ');
  }

  /** The field's number; where Go embeds a struct, protobuf has a message in between. */
  function locate(message: string, field: string): { path: number[]; message: string; type: string } | undefined {
    const facts = messages[message];
    if (!facts) return undefined;
    const wanted = loose(field);
    for (const [name, [number, type]] of Object.entries(facts)) {
      if (loose(name) === wanted) return { path: [number], message, type };
    }
    for (const [, [number, type]] of Object.entries(facts)) {
      if (!/^[A-Zk]/.test(type)) continue;
      const inner = type.includes('.') ? type : `${message.slice(0, message.lastIndexOf('.'))}.${type}`;
      const embedded =
        /\.(LocalObjectReference|Rule|RuleWithOperations|\w+Common|ProbeHandler|VolumeSource|PersistentVolumeSource|IngressRuleValue|DeviceConfiguration)$/;
      if (!embedded.test(inner)) continue;
      const found = locate(inner, field);
      if (found) return { ...found, path: [number, ...found.path] };
    }
    return undefined;
  }

  function typeText(fact: FieldFact, go: string): string {
    const bare = go.replace(/^\*/, '');
    if (fact.ref) return `@${fact.ref.slice(prefix.length)}`;
    if (fact.items) return `[]${typeText(fact.items, bare.startsWith('[]') ? bare.slice(2) : 'string')}`;
    if (fact.map) return `{}${typeText(fact.map, bare.startsWith('map[') ? bare.slice(bare.indexOf(']') + 1) : 'string')}`;
    const named = /^[\w.]+$/.test(bare) && /^([A-Z]|\w+\.)/.test(bare) ? `:${bare}` : '';
    switch (fact.type) {
      case 'string':
        return fact.format === 'byte' ? 'byte' : `string${named}`;
      case 'integer':
        return `${fact.format ?? 'int64'}${named}`;
      case 'number':
        return 'double';
      case 'boolean':
        return 'bool';
      default:
        throw new Error(`no type in ${JSON.stringify(fact)}`);
    }
  }
}

/** Protobuf's names differ from JSON's in case, and in the marks that its names cannot have. */
function loose(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, '').toLowerCase();
}
