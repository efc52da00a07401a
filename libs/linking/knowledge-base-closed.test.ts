import { expect, it } from '@jest/globals';
import { temporaryCatalog } from '../../test/support/small-kb.js';
import { KnowledgeBase } from './knowledge-base.js';

it('refuses reads that come after the closing, lets those that run end, and follows no more', async () => {
  const temporary = await temporaryCatalog();
  const { catalog } = temporary;
  const store = await catalog.openOrCreate('kb');
  const kb = await KnowledgeBase.open({
    store,
    model: { version: 'model-one', dimensions: 4 },
    derivedFolder: catalog.derivedFolder('kb'),
  });
  let end: () => void = () => undefined;
  const running = kb.read(async (index) => {
    await new Promise<void>((resolve) => (end = resolve));
    return index.search(new Float32Array(4), 1);
  });
  const closing = kb.close();
  const late = expect(kb.read((index) => Promise.resolve(index.size))).rejects.toMatchObject({
    code: 'not-ready',
  });
  end();
  await expect(running).resolves.toBeDefined();
  await closing;
  await late;
  await store.close();
  await expect(kb.refresh()).resolves.toBeUndefined();
  await temporary.remove();
});
