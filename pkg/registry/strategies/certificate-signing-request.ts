/**
 * CertificateSigningRequests. Who asks is what the server knows of the requester, not what the request says; what is
 * asked never changes. Somebody approves or denies, by way of the `approval` subresource; the signer answers by way of
 * `status`. Neither can do the other's part.
 */
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import { formatTime } from '../../clock/clock.ts';
import { duplicateField, forbiddenField, invalidField, requiredField, unsupportedField } from '../../runtime/field-errors.ts';
import { equalValues } from '../../runtime/values.ts';
import { assign, child, objectAt, objects, type Raw, text } from '../raw.ts';
import type { Strategy, StrategyContext } from '../resource.ts';

const decisions = ['Approved', 'Denied'];
const conditionsOf = (request: Raw): Raw[] => objects(objectAt(request['status'])['conditions']);

function nameRequester(request: Raw, { context: { user } }: StrategyContext): void {
  const spec = child(request, 'spec');
  assign(spec, 'username', user.name === '' ? undefined : user.name);
  assign(spec, 'uid', user.uid || undefined);
  assign(spec, 'groups', user.groups.length > 0 ? [...user.groups] : undefined);
  const extra = Object.entries(user.extra ?? {}).map(([key, values]) => [key, [...values]] as const);
  assign(spec, 'extra', extra.length > 0 ? Object.fromEntries(extra) : undefined);
}

/** When a condition came, and when it last became what it is. */
function date(request: Raw, old: Raw, now: number): void {
  const time = formatTime(now);
  for (const condition of conditionsOf(request)) {
    condition['lastUpdateTime'] ??= time;
    const before = conditionsOf(old).find(({ type, status }) => type === condition['type'] && status === condition['status']);
    condition['lastTransitionTime'] ??= before?.['lastTransitionTime'] ?? time;
  }
}

/** An approver decides; it neither asks nor signs. */
function onlyConditions(request: Raw, old: Raw, { now }: StrategyContext): void {
  const wanted = objectAt(request['status'])['conditions'];
  const status = { ...objectAt(old['status']) };
  assign(status, 'conditions', wanted);
  request['status'] = status;
  assign(request, 'spec', old['spec']);
  date(request, old, now);
}

const onlyTrue = [...decisions, 'Failed'];
function checkConditions(request: Raw, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const types = new Set<string>();
  for (const [i, { type: given, status }] of conditionsOf(request).entries()) {
    const [at, type] = [`${path}[${i}]`, text(given)];
    const supported = onlyTrue.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (type === '') causes.push(requiredField(`${at}.type`));
    if (text(status) === '') causes.push(requiredField(`${at}.status`));
    else if (!supported.includes(text(status))) causes.push(unsupportedField(`${at}.status`, status, supported));
    if (types.has(type)) causes.push(duplicateField(`${at}.type`, type));
    types.add(type);
  }
  return causes;
}

/** What was decided stays decided, and only an approver decides. */
function validateConditions(next: Raw, old: Raw, subresource: string): StatusCause[] {
  const at = 'status.conditions';
  const causes: StatusCause[] = checkConditions(next, at);
  for (const type of [...decisions, 'Failed']) {
    const [before, now] = [old, next].map((request) => conditionsOf(request).find((condition) => condition['type'] === type));
    if (before && !now) causes.push(forbiddenField(at, `updates may not remove a condition of type ${JSON.stringify(type)}`));
    const decides = subresource !== 'approval' && decisions.includes(type);
    if (decides && !before && now) causes.push(forbiddenField(at, `updates may not add a condition of type ${JSON.stringify(type)}`));
    if (decides && before && now && !equalValues(before, now)) {
      causes.push(forbiddenField(at, `updates may not modify a condition of type ${JSON.stringify(type)}`));
    }
  }
  const types = conditionsOf(next).map(({ type }) => text(type));
  if (decisions.every((type) => types.includes(type))) {
    causes.push(invalidField(at, 'Denied', 'Approved and Denied conditions are mutually exclusive'));
  }
  const certificate = objectAt(old['status'])['certificate'];
  if (certificate !== undefined && certificate !== objectAt(next['status'])['certificate']) {
    causes.push(forbiddenField('status.certificate', 'updates may not modify existing certificate content'));
  }
  return causes;
}

export const certificateSigningRequestStrategy: Strategy = {
  prepareCreate: nameRequester,
  prepareUpdate: (request, old) => assign(request, 'spec', old['spec']),
  prepareSubresource: {
    approval: onlyConditions,
    status: (request, old, { now }) => date(request, old, now),
  },
  validateUpdate: (next, old, subresource) => (subresource === '' ? [] : validateConditions(next, old, subresource)),
};
