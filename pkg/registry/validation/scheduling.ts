/** Workloads and groups of pods, which are scheduled together or not at all. */

import { duplicateField, invalidField, requiredField } from '../../runtime/field-errors.ts';
import { objects } from '../raw.ts';
import { dnsLabel, dnsSubdomain, pathSegment } from './names.ts';
import { atLeast, atMost, fields, items, named, neededName, object, type Rule } from './rules.ts';
import { below, onlyWhenNew, type Validator, type Validators } from './validator.ts';

const policies = ['basic', 'gang'];

/** Exactly one member of a union. */
const oneMember =
  (members: readonly string[]): Validator =>
  (value, path, report) => {
    const given = members.filter((member) => value[member] !== undefined);
    const quoted = members.map((member) => `\`${member}\``).join(', ');
    if (given.length === 0) report(invalidField(path, '', `must specify one of: ${quoted}`));
    if (given.length > 1) report(invalidField(path, `{${given.join(', ')}}`, `must specify exactly one of: ${quoted}`));
  };

const minCount: Rule = (value, path, report) => {
  if (!value) report(requiredField(path));
  else atLeast(1)(value, path, report);
};

const policy: Rule = object((value, path, report) => {
  oneMember(policies)(value, path, report);
  object(fields({ minCount }))(value['gang'], below(path, 'gang'), report);
});

const template = fields({ name: neededName(dnsLabel), schedulingPolicy: policy });

const maxTemplates = 8;
const templates: Rule = (value, path, report) => {
  const given = objects(value);
  if (given.length === 0) report(requiredField(path));
  atMost(maxTemplates, (list) => {
    const seen = new Set<unknown>();
    for (const [i, one] of objects(list).entries()) {
      if (seen.has(one['name'] ?? '')) report(duplicateField(`${path}[${i}]`, one));
      seen.add(one['name'] ?? '');
    }
    items(template)(list, path, report);
  })(given, path, report);
};

const controller = fields({ apiGroup: named(dnsSubdomain), kind: neededName(pathSegment), name: neededName(pathSegment) });
const templateOf = fields({ workloadName: neededName(dnsSubdomain), podGroupTemplateName: neededName(dnsLabel) });

const reference: Validator = (value, path, report) => {
  oneMember(['workload'])(value, path, report);
  object(templateOf)(value['workload'], below(path, 'workload'), report);
};

export const schedulingValidators: Validators = {
  'api.scheduling.v1alpha2.WorkloadSpec': {
    whole: onlyWhenNew(fields({ controllerRef: object(controller), podGroupTemplates: templates })),
  },
  'api.scheduling.v1alpha2.PodGroupSpec': {
    whole: onlyWhenNew(fields({ podGroupTemplateRef: object(reference), schedulingPolicy: policy })),
  },
};
