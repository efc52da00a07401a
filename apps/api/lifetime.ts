import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { closeWork } from '../../libs/jobs/open-work.js';
import type { Parts } from './parts.js';

/** Starts what runs beside the requests, and frees everything when the last request is answered. */
export class Lifetime implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly parts: Parts) {}

  onApplicationBootstrap(): void {
    this.parts.kbs.start();
    this.parts.caretaker.start();
    this.parts.keys.follow();
  }

  async onApplicationShutdown(): Promise<void> {
    const { keys, metrics, board } = this.parts;
    keys.close();
    metrics.close();
    await board?.close();
    await closeWork(this.parts);
  }
}
