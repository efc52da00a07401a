import { once } from 'node:events';
import type { ApiResponse } from './exchange.js';

/** Writes a piece of a stream and waits where the client reads more slowly than we write; throws when it is gone. */
export async function write(response: ApiResponse, text: string, gone: AbortSignal): Promise<void> {
  gone.throwIfAborted();
  if (response.write(text)) return;
  try {
    await once(response, 'drain', { signal: gone });
  } catch (error) {
    gone.throwIfAborted();
    throw error;
  }
}
