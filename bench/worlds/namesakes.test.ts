import { describe, expect, it } from '@jest/globals';
import { compileTopic, isDev, readNamesakes } from './namesakes.js';

const families = Array.from({ length: 50 }, (_, at) => `family ${at}`);
const dev = families.find(isDev) ?? '';
const train = families.find((family) => !isDev(family)) ?? '';

describe('the written worlds', () => {
  it('keep one family in five for dev, as compile.py does', () => {
    // python: int(hashlib.sha256(b"robin").hexdigest(), 16) % 5 == 0
    const known = { robin: false, taylor: true, ms: true, santiago: false };
    for (const [family, isKept] of Object.entries(known)) expect(isDev(family)).toBe(isKept);
  });

  it('have their marks read, in UTF-16 units, and mentions of unseen names only', () => {
    const rows = [
      { id: 'a', family: dev, title: 'A' },
      { id: 'b', family: train, title: 'B' },
    ];
    const lines = [`😀 [[Ay|a]] met [[Bee|b]] and [[Ay|?${dev}]].`, 'Only [[Bee|b]].'];
    const { entities, given, detected } = compileTopic('t', rows, lines);
    expect(JSON.parse(JSON.stringify(entities))).toEqual([
      { id: 't/a', title: 'A' },
      { id: 't/b', title: 'B' },
    ]);
    expect(given).toHaveLength(1);
    expect(given[0]).toMatchObject({ id: 't-1', text: '😀 Ay met Bee and Ay.' });
    expect(given[0]?.mentions).toMatchObject([
      { start: 3, end: 5, text: 'Ay', entityId: 't/a' },
      { start: 18, end: 20, text: 'Ay', entityId: null },
    ]);
    expect(detected[0]?.mentions.map(({ entityId }) => entityId)).toEqual(['t/a', 't/b', null]);
  });

  it('are all readable, and every mention stands where it says', async () => {
    const { entities, detected } = await readNamesakes('training/namesakes');
    expect(entities.length).toBeGreaterThan(900);
    for (const { text, mentions } of detected) {
      for (const { start, end, text: surface } of mentions) {
        expect(text.slice(start, end)).toBe(surface);
      }
    }
  });
});
