import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NameSet, NameSetBuilder } from './name-set.js';

function setOf(names: readonly string[]): NameSet {
  const builder = new NameSetBuilder();
  builder.add(names);
  return builder.finish();
}

const word = fc.stringMatching(/^[a-c]{1,2}$/);
const name = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));

/** `count` names of a made-up KB. */
function manyNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `name ${(i * 7919) % count} of kind ${i % 97}`);
}

describe('NameSet', () => {
  it('has what was put in and nothing else', () => {
    const names = manyNames(5_000);
    const set = setOf(names);
    expect(set.size).toBe(5_000);
    expect(names.every((name) => set.has(name))).toBe(true);
    expect(names.some((name) => set.has(`${name}x`) || set.has(name.slice(1)))).toBe(false);
    expect(set.has('')).toBe(false);
  });

  it('finds in a text exactly the names that a plain set finds', () => {
    fc.assert(
      fc.property(fc.array(name), fc.array(name), fc.array(word), (first, later, text) => {
        const set = setOf(first);
        set.add(later);
        const names = new Set([...first, ...later]);
        for (let start = 0; start < text.length; start++) {
          const expected = text
            .slice(start)
            .map((_, i) => i + 1)
            .filter((count) => names.has(text.slice(start, start + count).join(' ')));
          expect(set.lengthsAt(text, start)).toEqual(expected);
        }
        expect(set.size).toBe(names.size);
      }),
      { seed: 5 },
    );
  });

  it('is the same after saving and loading', () => {
    const set = NameSet.fromBytes(
      setOf(['new york city', 'york', 'zürich', '東京']).toBytes(),
      'x',
    );
    expect([set.size, set.maxWords]).toEqual([4, 3]);
    expect(set.lengthsAt(['new', 'york', 'city'], 0)).toEqual([3]);
    expect(set.lengthsAt(['new', 'york', 'city'], 1)).toEqual([1]);
    expect([set.has('zürich'), set.has('東京'), set.has('new york')]).toEqual([true, true, false]);
  });

  it('takes less than 20 bytes a name', () => {
    const names = manyNames(10_000);
    expect(setOf(names).toBytes().length / names.length).toBeLessThan(20);
  });

  it('adds to what was loaded', () => {
    const set = NameSet.fromBytes(setOf(['york']).toBytes(), 'x');
    set.add(['new york', 'york', 'the new york times']);
    expect(set.size).toBe(3);
    expect(set.maxWords).toBe(4);
    expect(set.lengthsAt(['the', 'new', 'york', 'times'], 0)).toEqual([4]);
    expect(set.lengthsAt(['the', 'new', 'york', 'times'], 1)).toEqual([2]);
  });

  it('holds names longer than ten words, and does not look for them in texts', () => {
    const words = Array.from({ length: 12 }, (_, i) => `w${i}`);
    const set = setOf([words.join(' ')]);
    expect(set.has(words.join(' '))).toBe(true);
    expect(set.lengthsAt(words, 0)).toEqual([]);
  });

  it('is empty when empty', () => {
    const set = NameSet.fromBytes(NameSet.empty().toBytes(), 'x');
    expect([set.size, set.maxWords, set.has('a')]).toEqual([0, 0, false]);
    expect(set.lengthsAt(['a'], 0)).toEqual([]);
  });

  it('refuses bytes that are no table of names', () => {
    const bytes = setOf(['a']).toBytes();
    for (const bad of [new Uint8Array(0), bytes.subarray(0, 40), bytes.map((byte) => byte ^ 1)]) {
      expect(() => NameSet.fromBytes(bad, 'names.bin')).toThrow(
        /names\.bin is not a table of names/,
      );
    }
  });

  it('spreads similar names over 64 bits', () => {
    const names = Array.from({ length: 40_000 }, (_, i) => i.toString(2).padStart(16, '0'));
    expect(setOf(names).size).toBe(40_000);
  });
});
