import { expect, test } from '@jest/globals';
import { chosenQueues, registered, type SomeHandlers } from './registration.js';

const publish: SomeHandlers = { publish: () => Promise.resolve({ published: true }) };
const embed: SomeHandlers = { embed: () => Promise.resolve({ encoded: 0 }) };

test('handlers of several parts are one', () => {
  expect(Object.keys(registered(publish, embed))).toEqual(['publish', 'embed']);
});

test('a queue with two handlers stops the start', () => {
  expect(() => registered(publish, embed, publish)).toThrow("'publish' has two handlers");
});

test('a handler of a queue that does not exist stops the start', () => {
  const unknown = { reindex: publish.publish } as SomeHandlers;
  expect(() => registered(publish, unknown)).toThrow("no queue 'reindex'");
});

test('without a choice all queues with a handler are taken', () => {
  expect(chosenQueues(undefined, registered(embed, publish))).toEqual(['embed', 'publish']);
});

test.each([
  [['publish', 'reindex'], "'reindex' does not exist; take some of embed, publish"],
  [['rerank'], "'rerank' cannot be taken by this process; take some of embed, publish"],
  [['embed', 'embed'], 'named twice in embed,embed'],
  [[], 'No queue is named'],
])('of the choice %j it is told what is wrong', (names, message) => {
  expect(() => chosenQueues(names, registered(embed, publish))).toThrow(message);
});
