/** The variables of a container, and where their values come from. */
import { compareQuantities, isQuantity } from '../../api/quantity.ts';
import { invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { isObject, objects, type Raw, text } from '../raw.ts';
import { configKey, dnsLabel, dnsSubdomain, environmentName, qualifiedName } from './names.ts';
import { noBacksteps } from './paths.ts';
import { both, fields, items, named, needed, neededName, object, type Rule, strictName } from './rules.ts';
import { below, checkName, type Report, type Validator } from './validator.ts';

const ofVariables = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const ofFiles = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];
/** All that the API knows at all, wherever it may be used. */
const known = new Set([...ofVariables, ...ofFiles, 'spec.restartPolicy', 'spec.schedulerName', 'status.phase']);
const subscripted = /^([^[]*)\['(.*)'\]$/;

function fieldSelector(supported: readonly string[]): Validator {
  return ({ apiVersion, fieldPath }, path, report) => {
    // As old clients say it.
    const [version, field] = [text(apiVersion), fieldPath === 'spec.host' ? 'spec.nodeName' : text(fieldPath)];
    const at = below(path, 'fieldPath');
    if (version === '' || field === '') {
      report(requiredField(version === '' ? below(path, 'apiVersion') : at));
      return;
    }
    const refused = (why: string): void => report(invalidField(at, field, `error converting fieldPath: ${why}`));
    if (version !== 'v1') {
      refused(`unsupported pod version: ${version}`);
      return;
    }
    const [, whole, key] = subscripted.exec(field) ?? [];
    if (whole === undefined || key === undefined) {
      if (!known.has(field)) refused(`field label not supported: ${field}`);
      else if (!supported.includes(field)) report(unsupportedField(at, field, supported));
    } else if (whole === 'metadata.annotations') checkName(report, path, key.toLowerCase(), qualifiedName);
    else if (whole === 'metadata.labels') checkName(report, path, key, qualifiedName);
    else refused(`field label does not support subscript: ${field}`);
  };
}

const amounts = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const pages = /^(limits|requests)\.hugepages-/;
const bytes = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

/** In what an amount may be counted, and how it is called. */
function divisorsOf(amount: string): readonly [what: string, allowed: readonly string[]] | undefined {
  if (pages.test(amount)) return ['hugepages', bytes];
  switch (amount.slice(amount.indexOf('.') + 1)) {
    case 'cpu':
      return ['cpu', ['1m', '1']];
    case 'memory':
      return ['memory', bytes];
    case 'ephemeral-storage':
      return ['local ephemeral storage', bytes];
    default:
      return undefined;
  }
}

/** `of`: a file names the container whose amount it tells. */
function amountSelector(of: 'variable' | 'file'): Validator {
  return ({ containerName, resource, divisor }, path, report) => {
    const name = text(resource);
    if (of === 'file' && text(containerName) === '') report(requiredField(below(path, 'containerName')));
    else if (name === '') report(requiredField(below(path, 'resource')));
    else if (!amounts.includes(name) && !pages.test(name)) report(unsupportedField(below(path, 'resource'), name, amounts));
    checkDivisor(report, below(path, 'divisor'), { name, divisor: text(divisor) });
  };
}

function checkDivisor(report: Report, path: string, { name, divisor }: { readonly name: string; readonly divisor: string }): void {
  if (!isQuantity(divisor) || compareQuantities(divisor, '0') === 0) return;
  const [what, allowed] = (amounts.includes(name) || pages.test(name) ? divisorsOf(name) : undefined) ?? ['', undefined];
  if (!allowed || allowed.includes(divisor)) return;
  const shown = allowed.length === 2 ? allowed.join(' and ') : allowed.join(', ');
  report(invalidField(path, name, `only divisor's values ${shown} are supported with the ${what} resource`));
}

/** One entry of a ConfigMap or Secret. */
const keySelector = fields({ name: strictName(dnsSubdomain), key: neededName(configKey) });
const fileSelector = fields({
  key: neededName(environmentName),
  volumeName: neededName(dnsLabel),
  path: both(needed(), noBacksteps),
});

const sources: Readonly<Record<string, Rule>> = {
  fieldRef: object(fieldSelector(ofVariables)),
  resourceFieldRef: object(amountSelector('variable')),
  configMapKeyRef: object(keySelector),
  secretKeyRef: object(keySelector),
  fileKeyRef: object(fileSelector),
};
const validateSources = fields(sources);

const variable: Validator = (value, path, report) => {
  neededName(environmentName)(value['name'], below(path, 'name'), report);
  const source = value['valueFrom'];
  if (!isObject(source)) return;
  const at = below(path, 'valueFrom');
  validateSources(source, at, report);
  const given = Object.keys(sources).filter((name) => isObject(source[name])).length;
  const say = (detail: string): void => report(invalidField(at, '', detail));
  if (given === 0) say('must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`');
  else if (text(value['value']) !== '') say('may not be specified when `value` is not empty');
  else if (given > 1) say('may not have more than one field specified at a time');
};
export const environment: Rule = items(variable);

const allOf = object(fields({ name: neededName(dnsSubdomain) }));
const manyVariables = fields({ prefix: named(environmentName), configMapRef: allOf, secretRef: allOf });

/** All of a ConfigMap or Secret. What is wrong with how many there are is said of the list. */
export const environmentSources: Rule = (value, path, report) => {
  for (const [i, source] of objects(value).entries()) {
    manyVariables(source, `${path}[${i}]`, report);
    const given = ['configMapRef', 'secretRef'].filter((name) => isObject(source[name])).length;
    if (given === 0) report(invalidField(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (given > 1) report(invalidField(path, '', 'may not have more than one field specified at a time'));
  }
};

/** What a file of the downward API tells; asked for by who looks at the file. */
export function fileContent(file: Raw, path: string, report: Report): void {
  const { fieldRef, resourceFieldRef } = file;
  if (isObject(fieldRef)) {
    fieldSelector(ofFiles)(fieldRef, below(path, 'fieldRef'), report);
    if (isObject(resourceFieldRef))
      report(invalidField(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
  } else if (isObject(resourceFieldRef)) amountSelector('file')(resourceFieldRef, below(path, 'resourceFieldRef'), report);
  else report(requiredField(path, 'one of fieldRef and resourceFieldRef is required'));
}
