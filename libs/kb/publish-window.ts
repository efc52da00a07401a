import { join } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import { FileLock, SharedFileLock } from './file-lock.js';

/** Blocks that long at a time for the single writes under way in other processes, which take some milliseconds each. */
const DRAIN_MS = 50;

export interface PublishWindowOptions {
  readonly folder: string;
  readonly kbName: string;
}

/**
 * The time in which an import makes its changes visible, from reserving their sequences to the commit. An import has
 * it alone; single writes share it. A sequence given out in between would make the import's changes come too late for
 * followers of the change feed.
 */
export class PublishWindow {
  private readonly shared: SharedFileLock;
  private alone: FileLock | null = null;

  constructor(private readonly options: PublishWindowOptions) {
    this.shared = new SharedFileLock(this.file);
  }

  /** @throws ReferentError `busy` while others write. Nothing to do where it is open already. */
  open(): void {
    this.alone ??= FileLock.exclusive(this.file, DRAIN_MS);
    if (this.alone !== null) return;
    const { kbName } = this.options;
    throw new ReferentError('busy', `${kbName} is being written to all the time; try again`);
  }

  close(): void {
    this.alone?.release();
    this.alone = null;
  }

  /** Keeps windows shut until `leave`. @throws ReferentError `busy` while one is open. */
  enter(): void {
    if (this.shared.take()) return;
    throw new ReferentError(
      'busy',
      `an import into ${this.options.kbName} is becoming visible, and nothing else can be written meanwhile; try again when it is done`,
    );
  }

  leave(): void {
    this.shared.release();
  }

  /** Frees what is held, at the end of the process's use. */
  end(): void {
    this.close();
    this.shared.close();
  }

  private get file(): string {
    return join(this.options.folder, 'publish.lock');
  }
}
