import type { KbCatalog, KbStore } from '../kb-store.js';

export interface CatalogUnderTest {
  readonly catalog: KbCatalog;
  /** Another catalog over the same data, as another process would have it. */
  readonly another: () => KbCatalog;
  /** Closes all and removes the data. */
  readonly remove: () => Promise<void>;
}

export type Subject = () => CatalogUnderTest & { readonly store: KbStore };
