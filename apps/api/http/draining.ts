import type { ApiResponse } from './exchange.js';

interface Open {
  readonly response: ApiResponse;
  readonly stop: () => void;
}

/**
 * The way out. Once the server is to end, connections are kept for no further request, and event streams, which would
 * last as long as their job, are ended: browsers ask again by themselves, and another server answers.
 */
export class Draining {
  private readonly open = new Set<Open>();
  private draining = false;

  get isOn(): boolean {
    return this.draining;
  }

  /** `stop` aborts what is done for the request. */
  watch(response: ApiResponse, stop: () => void): void {
    const open = { response, stop };
    this.open.add(open);
    response.once('close', () => this.open.delete(open));
    if (this.draining) closeAfter(response);
  }

  begin(): void {
    this.draining = true;
    for (const open of [...this.open]) {
      if (isEventStream(open.response)) endStream(open);
      else closeAfter(open.response);
    }
  }
}

function closeAfter(response: ApiResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}

function isEventStream(response: ApiResponse): boolean {
  return String(response.getHeader('content-type') ?? '').startsWith('text/event-stream');
}

/** Its writer is told first, and an event that it writes all the same harms nobody. */
function endStream({ response, stop }: Open): void {
  response.on('error', () => undefined);
  stop();
  if (!response.writableEnded) response.end();
}
