/** How a command ends other than well, and the words for it: those that kubectl's users know. */
import { type ApiError, isApiError } from '../api/errors.ts';

/** Printed as `error: …`; exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;
  constructor(message: string, options: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The command line itself is wrong; `see` names the command whose help says more. */
export class UsageError extends CommandError {
  readonly see: string | undefined;
  constructor(message: string, see?: string) {
    super(message);
    this.see = see;
  }
}

/** The arguments are wrong: what is, and where to read how they should be. */
export function wrongArguments(message: string, { command }: { readonly command: string }): CommandError {
  return new CommandError(`${message}\nSee '${command} -h' for help and examples`);
}

/** Everything has been said: only the exit code is left. */
export class SilentExit extends Error {
  override readonly name = 'SilentExit';
  readonly exitCode: number;
  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** The server said no while something was done to something: `when` reads `error when creating "web.yaml"`. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly when: string | undefined;
  override readonly cause: ApiError;
  constructor(cause: ApiError, when?: string) {
    super(cause.message, { cause });
    this.cause = cause;
    this.when = when;
  }
}

/** Names what was being done when the server said no. Other errors pass unchanged. */
export function during(error: unknown, when: string): unknown {
  return isApiError(error) ? new ServerError(error, when) : error;
}

/** What goes to stderr, without the last line break. */
export function describeFailure(error: unknown): string {
  if (error instanceof ServerError) return describeApiError(error.cause, error.when);
  if (isApiError(error)) return describeApiError(error, undefined);
  if (error instanceof UsageError && error.see) return `error: ${error.message}\nSee '${error.see} --help' for usage.`;
  return `error: ${error instanceof Error ? error.message : String(error)}`;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof CommandError || error instanceof SilentExit ? error.exitCode : 1;
}

function describeApiError(error: ApiError, when: string | undefined): string {
  const { reason } = error;
  if (reason === 'Unauthorized') return `error: You must be logged in to the server (${when ? `${when}: ` : ''}${error.message})`;
  if (reason === 'ServiceUnavailable' && error.cause !== undefined) {
    return `Unable to connect to the server: ${error.cause instanceof Error ? error.cause.message : String(error.cause)}`;
  }
  if (reason === 'Invalid') return describeInvalid(error);
  const label = reason === 'Unknown' ? '' : ` (${reason})`;
  return `Error from server${label}: ${when ? `${when}: ` : ''}${error.message}`;
}

/** Named after the object where the server says which, with a line for each cause. */
function describeInvalid({ details, message }: ApiError): string {
  if (!details) return `The request is invalid: ${message}`;
  const { kind = '', name = '', causes = [] } = details;
  const subject = kind || name ? `The ${kind} ${JSON.stringify(name)} is invalid` : 'The request is invalid';
  if (causes.length === 0) return `${subject}: ${message}`;
  const texts = causes.map((cause) => `${cause.field ?? ''}: ${cause.message ?? ''}`);
  return texts.length === 1 ? `${subject}: ${texts[0]}` : `${subject}: \n${texts.map((text) => `* ${text}`).join('\n')}`;
}
