import { describe, expect, it } from '@jest/globals';
import { refuseTooLarge } from './sizes.js';

const limits = { maxTextChars: 10, maxDocuments: 2, maxMentions: 3 };
const refuse = (body: unknown) => () => {
  refuseTooLarge(body, limits);
};

describe('refuseTooLarge', () => {
  it('lets through what is at the limit', () => {
    const documents = [{ text: 'x'.repeat(10), mentions: [1, 2, 3] }, {}];
    expect(refuse({ text: 'x'.repeat(10), documents })).not.toThrow();
  });

  it('names the text, its length, the limit and the setting', () => {
    expect(refuse({ text: 'x'.repeat(11) })).toThrow(
      /\/text: has 11 characters; the most is 10.*REFERENT_MAX_TEXT_CHARS/,
    );
    expect(refuse({ documents: [{}, { text: 'x'.repeat(11) }] })).toThrow(/\/documents\/1\/text/);
  });

  it('refuses too many documents and too many mentions', () => {
    expect(refuse({ documents: [1, 2, 3] })).toThrow(/\/documents: has 3 elements; the most is 2/);
    expect(refuse({ mentions: [1, 2, 3, 4] })).toThrow(/\/mentions: has 4 elements/);
    expect(refuse({ documents: [{ mentions: [1, 2, 3, 4] }] })).toThrow(/\/documents\/0\/mentions/);
  });

  it('refuses too many mentions over all documents', () => {
    const documents = Array.from({ length: 11 }, () => ({ mentions: [1, 2, 3] }));
    const limit = { ...limits, maxDocuments: 20 };
    expect(() => {
      refuseTooLarge({ documents: documents.slice(1) }, limit);
    }).not.toThrow();
    expect(() => {
      refuseTooLarge({ documents }, limit);
    }).toThrow(/33 mentions together; the most is 30/);
  });

  it('leaves wrong shapes to the schema', () => {
    for (const body of [
      null,
      undefined,
      5,
      'x',
      [],
      { text: 5, documents: {}, mentions: 'many' },
    ]) {
      expect(refuse(body)).not.toThrow();
    }
  });

  it('does not look at the parts of a list that is too long', () => {
    const untouchable = Object.defineProperty({}, 'text', {
      get: () => {
        throw new Error('touched');
      },
    });
    expect(refuse({ documents: [untouchable, 1, 2] })).toThrow(/has 3 elements/);
  });
});
