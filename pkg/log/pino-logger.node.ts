import { type Logger as Pino, pino } from 'pino';
import type { Fields, Level, Logger } from './log.ts';

/** Where lines go: JSON lines into a file, or onto standard error. */
export interface PinoOptions {
  readonly level: Level;
  /** Path of a file that is appended to; absent: standard error. */
  readonly file?: string;
}

export function createPinoLogger(options: PinoOptions): Logger {
  const destination = pino.destination(
    options.file ? { dest: options.file, mkdir: true, append: true, sync: true } : { dest: 2, sync: true },
  );
  const base = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { error: pino.stdSerializers.errWithCause },
    },
    destination,
  );
  return wrap(base);
}

function wrap(logger: Pino): Logger {
  const at =
    (level: Level) =>
    (message: string, fields: Fields = {}): void =>
      logger[level](fields, message);
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(logger.child(fields)),
  };
}
