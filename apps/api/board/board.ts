import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { Queue } from 'bullmq';
import { QUEUE_NAMES } from '../../../libs/contract/jobs.js';
import type { QueueLog } from '../../../libs/queue/queue-log.js';
import { RedisLink } from '../../../libs/queue/redis-link.js';
import { assertMay } from '../access/permission.js';
import type { ApiRequest, ApiResponse, Next } from '../http/exchange.js';
import { BOARD_PATH } from '../http/route-label.js';
import { BoardPages } from './board-pages.js';

export interface BoardOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly log: QueueLog;
}

/** Should a page of it ask another host all the same, the browser does not. Swagger's page has the same rules. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/** BullMQ's board of the queues, for admins: it shows payloads, which hold texts, and it can retry and remove jobs. */
export class Board {
  private readonly link: RedisLink;
  private readonly queues: readonly Queue[];
  readonly path = BOARD_PATH;
  readonly handlers: readonly ((request: ApiRequest, response: ApiResponse, next: Next) => void)[];

  constructor({ redisUrl, prefix, log }: BoardOptions) {
    this.link = new RedisLink(redisUrl, log);
    const connection = this.link.forCallers();
    this.queues = QUEUE_NAMES.map((name) => {
      const queue = new Queue(name, { connection, prefix, skipVersionCheck: true });
      return queue.on('error', (error) => {
        this.link.hears(error);
      });
    });
    const pages = new BoardPages().setBasePath(BOARD_PATH);
    const queues = this.queues.map((queue) => new BullMQAdapter(queue));
    createBullBoard({
      queues,
      serverAdapter: pages,
      options: { uiConfig: { boardTitle: 'Referent' } },
    });
    this.handlers = [adminOnly, pages.getRouter() as (typeof this.handlers)[number]];
  }

  async close(): Promise<void> {
    this.link.close();
    await Promise.allSettled(this.queues.map((queue) => queue.close()));
  }
}

/** Asked where the board is mounted, so that no spelling of its path gets by. */
function adminOnly(request: ApiRequest, response: ApiResponse, next: Next): void {
  assertMay(request, 'admin');
  response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
  response.setHeader('Cache-Control', 'no-store');
  next();
}
