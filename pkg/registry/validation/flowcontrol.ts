/** Priority and fairness of requests: https://kubernetes.io/docs/concepts/cluster-administration/flow-control/ */
import { forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { isObject, objectAt, objects, type Raw, strings, text } from '../raw.ts';
import { mandatoryFlowSchema, mandatoryPriorityLevel } from './flow-mandatory.ts';
import { dnsLabel, dnsSubdomain } from './names.ts';
import { atLeast, between, enumOf, fields, named, neededName, neededOneOf, object, type Rule, validators } from './rules.ts';
import { below, type Report, seenAbove, type Validator, type Validators } from './validator.ts';

const maxPrecedence = 10_000;
const maxQueues = 10_000_000;
/** What one hash yields. */
const maxEntropyBits = 60;
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

const flowSchema: Validator = (spec, path, report) => {
  const at = below(path, 'matchingPrecedence');
  const precedence = Number(spec['matchingPrecedence'] ?? 0);
  if (precedence <= 0) report(invalidField(at, precedence, 'must be a positive value'));
  if (precedence > maxPrecedence) report(invalidField(at, precedence, `must not be greater than ${maxPrecedence}`));
  if (precedence === 1 && objectAt(report.root['metadata'])['name'] !== 'exempt') {
    report(invalidField(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  if (isObject(spec['distinguisherMethod'])) {
    const methods = enumOf('flowcontrol.v1.FlowDistinguisherMethodType');
    const type = text(spec['distinguisherMethod']['type']);
    // Kubernetes shows the whole method.
    if (!methods.includes(type)) report(unsupportedField(below(path, 'distinguisherMethod.type'), { Type: type }, methods));
  }
  const level = objectAt(spec['priorityLevelConfiguration'])['name'];
  neededName(dnsSubdomain, 'must reference a priority level')(level, below(path, 'priorityLevelConfiguration.name'), report);
};

const rules: Validator = (value, path, report) => {
  if (objects(value['subjects']).length === 0) report(requiredField(below(path, 'subjects'), 'subjects must contain at least one value'));
  if (objects(value['resourceRules']).length + objects(value['nonResourceRules']).length === 0) {
    report(requiredField(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  }
};

/** By the kind of subject: the field that says which. */
const subjectFields: Readonly<Record<string, string>> = { Group: 'group', ServiceAccount: 'serviceAccount', User: 'user' };

const subject: Validator = (value, path, report) => {
  const kind = text(value['kind']);
  const own = subjectFields[kind];
  if (own === undefined) {
    report(unsupportedField(below(path, 'kind'), kind, Object.keys(subjectFields)));
    return;
  }
  for (const [other, field] of Object.entries(subjectFields)) {
    const at = below(path, field);
    const given = value[field];
    if (field !== own) {
      if (given !== undefined) report(forbiddenField(at, `${field} is forbidden when subject kind is not '${other}'`));
    } else if (!isObject(given)) report(requiredField(at, `${field} is required when subject kind is '${kind}'`));
    else checkSubject(given, at, report, kind);
  }
};

function checkSubject({ name, namespace }: Raw, path: string, report: Report, kind: string): void {
  if (text(name) === '') report(requiredField(below(path, 'name')));
  if (kind !== 'ServiceAccount') return;
  if (name !== '*') named(dnsSubdomain)(name, below(path, 'name'), report);
  neededName(dnsLabel, 'must specify namespace for service account')(namespace, below(path, 'namespace'), report);
}

/** A list that is not empty, in which `*` stands alone. What it names otherwise is for `others` to look at. */
function list(missing: string, other: string, others?: (values: readonly string[], path: string, report: Report) => void): Rule {
  return (value, path, report) => {
    const values = strings(value);
    if (values.length === 0) report(requiredField(path, missing));
    else if (!values.includes('*')) others?.(values, path, report);
    else if (values.length > 1) report(invalidField(path, values, `if '*' is present, must not specify other ${other}`));
  };
}

const verbList = list('verbs must contain at least one value', 'verbs', (values, path, report) => {
  if (values.some((verb) => !verbs.includes(verb))) report(unsupportedField(path, values, verbs));
});

const urlList = list('nonResourceURLs must contain at least one value', 'non-resource URLs', (urls, path, report) => {
  for (const [i, url] of urls.entries()) {
    const fault = urlFault(url);
    if (fault !== undefined) report(invalidField(`${path}[${i}]`, url, fault));
  }
});

function urlFault(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (url === '/') return undefined;
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const stars = url.split('*').length - 1;
  return stars > 1 || (stars === 1 && !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
}

const resourceRule: Validator = (rule, path, report) => {
  verbList(rule['verbs'], below(path, 'verbs'), report);
  list('resource rules must supply at least one api group', 'api groups')(rule['apiGroups'], below(path, 'apiGroups'), report);
  list('resource rules must supply at least one resource', 'resources')(rule['resources'], below(path, 'resources'), report);
  const at = below(path, 'namespaces');
  const namespaces = strings(rule['namespaces']);
  if (namespaces.length === 0 && rule['clusterScope'] === true) return;
  list('resource rules that are not cluster scoped must supply at least one namespace', 'namespaces', (values) => {
    for (const [i, name] of values.entries()) {
      const about = "each member of this list must be '*' or a DNS-1123 label; ";
      for (const reason of dnsLabel(name)) report(invalidField(`${at}[${i}]`, name, about + reason));
    }
  })(namespaces, at, report);
};

const nonResourceRule: Validator = (rule, path, report) => {
  verbList(rule['verbs'], below(path, 'verbs'), report);
  urlList(rule['nonResourceURLs'], below(path, 'nonResourceURLs'), report);
};

const priorityLevel: Validator = (spec, path, report) => {
  const { type, limited, exempt } = spec;
  if ((type === 'Exempt') !== (objectAt(report.root['metadata'])['name'] === 'exempt')) {
    report(invalidField(below(path, 'type'), type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  }
  if (type === 'Exempt') {
    if (limited !== undefined) report(forbiddenField(below(path, 'limited'), 'must be nil if the type is not Limited'));
  } else if (type === 'Limited') {
    if (exempt !== undefined) report(forbiddenField(below(path, 'exempt'), 'must be nil if the type is Limited'));
    if (!isObject(limited)) report(requiredField(below(path, 'limited'), 'must not be empty when type is Limited'));
  } else neededOneOf(['Exempt', 'Limited'])(type, below(path, 'type'), report);
};

const shares: Validator = (level, path, report) => {
  const at = (field: string): string => below(path, field);
  atLeast(0, 'must be a non-negative integer')(level['nominalConcurrencyShares'], at('nominalConcurrencyShares'), report);
  between(0, 100)(level['lendablePercent'], at('lendablePercent'), report);
  atLeast(0, 'if specified, must be a non-negative integer')(level['borrowingLimitPercent'], at('borrowingLimitPercent'), report);
};

const limitResponse: Validator = ({ type, queuing }, path, report) => {
  const at = below(path, 'queuing');
  if (type === 'Reject') {
    if (queuing !== undefined) report(forbiddenField(at, 'must be nil if limited.limitResponse.type is not Limited'));
  } else if (type === 'Queue') {
    if (!isObject(queuing)) report(requiredField(at, 'must not be empty if limited.limitResponse.type is Limited'));
  } else neededOneOf(['Queue', 'Reject'])(type, below(path, 'type'), report);
};

const queuingRules: Validator = (value, path, report) => {
  const [queues, handSize, length] = ['queues', 'handSize', 'queueLengthLimit'].map((field) => Number(value[field] ?? 0)) as [
    number,
    number,
    number,
  ];
  const say = (field: string, given: number, detail: string): void => report(invalidField(below(path, field), given, detail));
  if (length <= 0) say('queueLengthLimit', length, 'must be positive');
  if (queues <= 0) say('queues', queues, 'must be positive');
  else if (queues > maxQueues) say('queues', queues, `must not be greater than ${maxQueues}`);
  if (handSize <= 0) say('handSize', handSize, 'must be positive');
  else if (handSize > queues) say('handSize', handSize, `should not be greater than queues (${queues})`);
  else if (entropyBits(queues, handSize) > maxEntropyBits) {
    const sizes = `deckSize ${queues} and handSize ${handSize}`;
    say('handSize', handSize, `required entropy bits of ${sizes} should not be greater than ${maxEntropyBits}`);
  }
};

/** Bits that it takes to deal a hand from so many cards. */
function entropyBits(deck: number, hand: number): number {
  return Math.ceil(Math.log2(deck) * hand);
}

const limitedLevel = validators(
  shares,
  fields({ limitResponse: object(validators(limitResponse, fields({ queuing: object(queuingRules) }))) }),
);

/** What is not of the level's own type is not looked at. */
const ofType: Validator = ({ type, limited, exempt }, path, report) => {
  if (type === 'Limited') object(limitedLevel)(limited, below(path, 'limited'), report);
  else if (type === 'Exempt') object(shares)(exempt, below(path, 'exempt'), report);
};

export const flowControlValidators: Validators = {
  'api.flowcontrol.v1.FlowSchemaSpec': validators(flowSchema, mandatoryFlowSchema),
  'api.flowcontrol.v1.PolicyRulesWithSubjects': rules,
  'api.flowcontrol.v1.Subject': subject,
  'api.flowcontrol.v1.UserSubject': seenAbove,
  'api.flowcontrol.v1.GroupSubject': seenAbove,
  'api.flowcontrol.v1.ServiceAccountSubject': seenAbove,
  'api.flowcontrol.v1.FlowDistinguisherMethod': seenAbove,
  'api.flowcontrol.v1.PriorityLevelConfigurationReference': seenAbove,
  'api.flowcontrol.v1.ResourcePolicyRule': resourceRule,
  'api.flowcontrol.v1.NonResourcePolicyRule': nonResourceRule,
  'api.flowcontrol.v1.PriorityLevelConfigurationSpec': { whole: validators(priorityLevel, ofType, mandatoryPriorityLevel) },
};
