/** A server that was started for tests, on a port and in a folder of its own. */
export interface Service {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Begins it again after `kill`, on the same port and with what it had on disk. */
  start(): Promise<void>;
  /** Ends it, at once (SIGKILL) unless told otherwise. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Ends it in good order and removes its folder. */
  stop(): Promise<void>;
}

export function ensureServices(): Promise<void>;
/** Path of redis-server; undefined where there is none. */
export function redisProgram(): string | undefined;
export function startRedis(options?: {
  readonly args?: readonly (string | number)[];
}): Promise<Service>;
export function startPostgres(): Promise<Service>;
