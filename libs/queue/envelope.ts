import { z } from 'zod';
import { lane } from '../contract/jobs.js';

/**
 * A job's data in Redis. `isWatched`: its caller waits, and says so by a key that Redis forgets at the deadline
 * and that the caller takes away when it leaves (`wantedKey`). So whether a result is still wanted is told by one
 * clock, that of Redis, and those of the machines may differ or jump.
 */
export const envelope = z.object({ lane, isWatched: z.boolean(), payload: z.unknown() });
export type Envelope = z.output<typeof envelope>;

export const wantedKey = (prefix: string, jobId: string): string => `${prefix}:wanted:${jobId}`;
