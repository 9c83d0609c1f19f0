/**
 * /healthz, /livez and /readyz: one line a check with `?verbose`, single checks below their path, `?exclude=`.
 * https://kubernetes.io/docs/reference/using-api/health-checks/
 */
import type { ApiResponse } from '../api/http.ts';
import type { Logger } from '../log/log.ts';
import type { Exchange } from './exchange.ts';

export interface HealthCheck {
  readonly name: string;
  /** Rejects, with a reason for the log, when something is wrong. */
  check(): Promise<void> | void;
  /** Asked for readiness only: what keeps a server from serving, but is no reason to restart it. */
  readonly readinessOnly?: boolean;
}

const encoder = new TextEncoder();

export class Health {
  readonly #checks: readonly HealthCheck[];
  readonly #log: Logger;

  constructor(checks: readonly HealthCheck[], log: Logger) {
    this.#checks = [{ name: 'ping', check() {} }, { name: 'log', check() {} }, ...checks];
    this.#log = log;
  }

  /** `[kind, name?]`: `readyz` or `readyz/ping`. undefined: there is no such check. */
  async respond({ request }: Exchange, [kind = 'healthz', name, ...rest]: readonly string[]): Promise<ApiResponse | undefined> {
    const checks = kind === 'readyz' ? this.#checks : this.#checks.filter((each) => !each.readinessOnly);
    if (name !== undefined) {
      const one = checks.find((each) => each.name === name);
      if (!one || rest.length > 0) return undefined;
      const failed = await this.#failed(one);
      return text(failed ? 500 : 200, failed ? 'internal server error: reason withheld' : 'ok');
    }
    const excluded = new Set(request.query.getAll('exclude'));
    const lines: string[] = [];
    let failures = 0;
    for (const each of checks) {
      if (excluded.delete(each.name)) {
        lines.push(`[+]${each.name} excluded: ok`);
      } else if (await this.#failed(each)) {
        failures++;
        lines.push(`[-]${each.name} failed: reason withheld`);
      } else lines.push(`[+]${each.name} ok`);
    }
    if (excluded.size > 0) {
      const names = [...excluded].map((each) => JSON.stringify(each)).join(', ');
      lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
    }
    if (failures > 0) return text(500, `${lines.join('\n')}\n${kind} check failed\n`);
    return text(200, request.query.has('verbose') ? `${lines.join('\n')}\n${kind} check passed\n` : 'ok');
  }

  async #failed(check: HealthCheck): Promise<boolean> {
    try {
      await check.check();
      return false;
    } catch (error) {
      this.#log.warn('health check failed', { check: check.name, error });
      return true;
    }
  }
}

function text(status: number, body: string): ApiResponse {
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache, private',
  };
  return { status, headers, body: encoder.encode(body) };
}
