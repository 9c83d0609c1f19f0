/**
 * Structured logging as a port. Components get a Logger and never know where lines go: pino in Node.js, the
 * console in a browser, an array in tests, nothing at all by default.
 */
export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** A logger that adds these fields to every line: `log.child({ component: 'scheduler' })`. */
  child(fields: Fields): Logger;
}

/** What a line carries beside its message. An error goes under `error`, as itself. */
export type Fields = Readonly<Record<string, unknown>>;
export type Level = 'debug' | 'info' | 'warn' | 'error';

/** Writes nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

/** A logger over one function, for tests, browsers and simulations. */
export function createLogger(write: (level: Level, message: string, fields: Fields) => void, bound: Fields = {}): Logger {
  const at =
    (level: Level) =>
    (message: string, fields?: Fields): void =>
      write(level, message, fields ? { ...bound, ...fields } : bound);
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => createLogger(write, { ...bound, ...fields }),
  };
}
