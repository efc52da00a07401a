/** Hears of outages and of jobs that failed for good. No line holds a payload. */
export interface QueueLog {
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: unknown, fields?: Readonly<Record<string, unknown>>): void;
}
