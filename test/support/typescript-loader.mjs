import { register } from 'node:module';

/** `node --import ./test/support/typescript-loader.mjs FILE.ts` runs TypeScript source, in worker threads too. */
register('./typescript-hooks.mjs', import.meta.url);
