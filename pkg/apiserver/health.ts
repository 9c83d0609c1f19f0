/**
 * /healthz, /livez and /readyz: one line a check with `?verbose`, single checks below their path, `?exclude=`; and the
 * same as metrics at /metrics/slis.
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

const kinds = ['healthz', 'livez', 'readyz'] as const;
type Kind = (typeof kinds)[number];

const encoder = new TextEncoder();

export class Health {
  readonly #checks: readonly HealthCheck[];
  readonly #log: Logger;

  constructor(checks: readonly HealthCheck[], log: Logger) {
    this.#checks = [{ name: 'ping', check() {} }, { name: 'log', check() {} }, ...checks];
    this.#log = log;
  }

  /** Where there is something to read. */
  paths(): string[] {
    return kinds.flatMap((kind) => [`/${kind}`, ...this.#checksOf(kind).map(({ name }) => `/${kind}/${name}`)]);
  }

  /** `name`: what follows `/readyz/`; empty for all checks. undefined: there is no such check. */
  async respond({ request }: Exchange, kind: Kind, name: string): Promise<ApiResponse | undefined> {
    const checks = this.#checksOf(kind);
    if (name !== '' || request.path.endsWith('/')) {
      const one = checks.find((each) => each.name === name);
      if (!one) return undefined;
      return (await this.#failed(one)) ? text(500, 'internal server error: reason withheld\n', nosniff) : text(200, 'ok');
    }
    const excluded = new Set(request.query.getAll('exclude').filter((each) => each !== ''));
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
      const names = [...excluded].map((each) => JSON.stringify(each)).join(',');
      lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
    }
    if (failures > 0) return text(500, `${lines.join('\n')}\n${kind} check failed\n`, nosniff);
    return text(200, request.query.has('verbose') ? `${lines.join('\n')}\n${kind} check passed\n` : 'ok', nosniff);
  }

  /** Whether each check passes now, in Prometheus' text form. */
  async slis(): Promise<string> {
    const name = 'kubernetes_healthcheck';
    const lines = [`# HELP ${name} Whether a health check passes.`, `# TYPE ${name} gauge`];
    for (const check of this.#checks) {
      const value = (await this.#failed(check)) ? 0 : 1;
      for (const kind of kinds) {
        if (this.#checksOf(kind).includes(check)) lines.push(`${name}{name=${JSON.stringify(check.name)},type="${kind}"} ${value}`);
      }
    }
    return `${lines.join('\n')}\n`;
  }

  #checksOf(kind: Kind): readonly HealthCheck[] {
    return kind === 'readyz' ? this.#checks : this.#checks.filter((each) => !each.readinessOnly);
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

const nosniff = { 'x-content-type-options': 'nosniff' };

function text(status: number, body: string, more: Readonly<Record<string, string>> = {}): ApiResponse {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private', ...more };
  return { status, headers, body: encoder.encode(body) };
}
