import { ApiError, invalid } from '../../api/errors.ts';
import type { StatusCause } from '../../api/generated/meta-v1.ts';
import type { ApiResponse } from '../../api/http.ts';
import { readBody } from '../../client/read-body.ts';
import { boolean, integer, text } from '../query-options.ts';
import type { ResourceCall } from '../resource-call.ts';
import { dialFailure } from './dialers.ts';
import { containerOf, notConnected, podOf } from './pod-target.ts';

const plainText = { 'content-type': 'text/plain' };

/** GET of a pod's log: the kubelet's answer, passed on as it comes. */
export async function log(call: ResourceCall): Promise<ApiResponse> {
  const { request, signal } = call.exchange;
  const pod = await podOf(call);
  const query = logQuery(request.query, pod.metadata.name);
  const container = containerOf(pod, text(request.query, 'container'));
  // As in Kubernetes: a pod that is not on a node yet has said nothing.
  if (!pod.spec.nodeName) return { status: 200, headers: plainText, body: new Uint8Array(0) };
  const { kubelets } = call.services;
  if (!kubelets) throw notConnected('kubelets');
  const path = `/containerLogs/${encodeURIComponent(call.key.namespace)}/${encodeURIComponent(call.key.name)}/${encodeURIComponent(container)}`;
  let answer: ApiResponse;
  try {
    answer = await kubelets.connect(pod.spec.nodeName, { method: 'GET', path, query, headers: {}, signal });
  } catch (error) {
    throw dialFailure(error);
  }
  if (answer.status >= 300) throw await kubeletRefusal(answer);
  return { status: 200, headers: plainText, body: answer.body ?? new Uint8Array(0) };
}

/** PodLogOptions, checked; what the kubelet is asked. */
function logQuery(query: URLSearchParams, name: string): URLSearchParams {
  const out = new URLSearchParams();
  for (const flag of ['follow', 'previous', 'timestamps']) if (boolean(query, flag)) out.set(flag, 'true');
  const causes: StatusCause[] = [];
  const check = (field: string, least: number): void => {
    const value = integer(query, field);
    if (value === undefined) return;
    if (value < least) {
      const message = `Invalid value: ${value}: must be greater than ${least === 0 ? 'or equal to 0' : '0'}`;
      causes.push({ reason: 'FieldValueInvalid', field, message });
    }
    out.set(field, String(value));
  };
  check('tailLines', 0);
  check('limitBytes', 1);
  check('sinceSeconds', 1);
  const sinceTime = text(query, 'sinceTime');
  if (sinceTime !== undefined) {
    if (out.has('sinceSeconds')) {
      causes.push({
        reason: 'FieldValueForbidden',
        message: 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
        field: '',
      });
    } else if (Number.isNaN(Date.parse(sinceTime))) {
      causes.push({
        reason: 'FieldValueInvalid',
        field: 'sinceTime',
        message: `Invalid value: ${JSON.stringify(sinceTime)}: must be a time as in RFC 3339`,
      });
    }
    out.set('sinceTime', sinceTime);
  }
  if (causes.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, name, causes);
  return out;
}

/** What a kubelet refused with, as a Status: it answers in plain text. */
export async function kubeletRefusal(answer: ApiResponse): Promise<ApiError> {
  const message = new TextDecoder().decode(await readBody(answer.body, 64 * 1024)).trim();
  return ApiError.fromStatus({ message: message === '' ? `the kubelet answered with status ${answer.status}` : message }, answer.status);
}
