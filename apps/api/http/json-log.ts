import type { LoggerService } from '@nestjs/common';
import type { LogLevel } from '../../../libs/config/environment.js';

const RANK: Readonly<Record<LogLevel, number>> = {
  silent: 0,
  error: 1,
  warn: 2,
  info: 3,
  debug: 4,
};

type Fields = Readonly<Record<string, unknown>>;
type Write = (line: string) => void;

/** Somebody may put one into a path or a request id. */
const API_KEY = /rk_[\w-]{43}/g;

/** One JSON object a line, on stderr: stdout is for results and the start-up line. Never holds a user's text or a key. */
export class JsonLog implements LoggerService {
  constructor(
    private readonly level: LogLevel,
    private readonly write: Write = (line) => process.stderr.write(line),
  ) {}

  /** Nest reports its own start-up here; of interest to developers only. */
  log(message: unknown): void {
    this.line('debug', String(message), {});
  }

  info(message: string, fields: Fields = {}): void {
    this.line('info', message, fields);
  }

  warn(message: unknown, fields: unknown = {}): void {
    this.line('warn', String(message), isFields(fields) ? fields : { context: fields });
  }

  error(message: unknown, fields: unknown = {}): void {
    this.line('error', textOf(message), isFields(fields) ? fields : { context: fields });
  }

  line(level: Exclude<LogLevel, 'silent'>, message: string, fields: Fields): void {
    if (RANK[level] > RANK[this.level]) return;
    const entry = { time: new Date().toISOString(), level, message, ...fields };
    this.write(`${JSON.stringify(entry).replace(API_KEY, 'rk_…')}\n`);
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function textOf(message: unknown): string {
  return message instanceof Error ? (message.stack ?? message.message) : String(message);
}
