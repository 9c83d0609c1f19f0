import type { ApiResponse } from '../../api/http.ts';

/** A refusal in plain text, as the kubelet's server words all of its own. */
export function refuse(status: number, message: string): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
    body: new TextEncoder().encode(`${message}\n`),
  };
}

export function answerText(text: string, type = 'text/plain; charset=utf-8'): ApiResponse {
  return { status: 200, headers: { 'content-type': type }, body: new TextEncoder().encode(text) };
}

export function answerJson(value: unknown): ApiResponse {
  return answerText(JSON.stringify(value), 'application/json');
}
