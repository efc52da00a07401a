import { describe, expect, it } from '@jest/globals';
import type { Link } from '../../libs/contract/annotate.js';
import { layOut, table } from './layout.js';

const link = (start: number, end: number, some: Partial<Link> = {}): Link => ({
  start,
  end,
  surface: 'Java',
  entityId: 'java-island',
  title: 'Java (island)',
  confidence: 0.934,
  source: 'given',
  ...some,
});

const plain = { colours: false, candidates: 0 };

describe('the layout for people', () => {
  it('marks mentions and lists their entities', () => {
    const layout = layOut('Java is wet.', [link(0, 4)], plain);
    expect(layout).toBe(
      '[Java] is wet.\n\n' +
        '  MENTION  ENTITY         ID           CONFIDENCE\n' +
        '  Java     Java (island)  java-island        93 %\n',
    );
  });

  it('says when nothing fits and when nothing was found', () => {
    const nil = link(0, 4, { entityId: null, title: null });
    expect(layOut('Java', [nil], plain)).toContain('nothing in the KB fits');
    expect(layOut('Java', [], plain)).toBe('Java\n\nNo links.\n');
  });

  it('marks the first of overlapping mentions once and lists both', () => {
    const layout = layOut('Java is wet.', [link(0, 4), link(0, 7)], plain);
    expect(layout.startsWith('[Java is] wet.')).toBe(true);
    expect(layout.match(/java-island/g)).toHaveLength(2);
  });

  it('shows control characters instead of sending them to the terminal', () => {
    const layout = layOut('\u001b[2JJava\u0000\u009b', [link(4, 8)], plain);
    expect(layout).not.toContain('\u001b');
    expect(layout).toContain('␛[2J[Java]␀�');
  });

  it('lists candidates with their scores', () => {
    const candidate = {
      entityId: 'java-language',
      title: 'Java (language)',
      cosine: 0.51234,
      lexicalRank: null,
      exactTitle: false,
      exactAlias: true,
      prior: 0.75,
      priorMentions: 3,
      retrievalScore: 0.56,
      logit: -1.5,
      fusedScore: 2,
      sources: ['dense' as const],
    };
    const layout = layOut('Java', [link(0, 4, { candidates: [candidate, candidate] })], {
      ...plain,
      candidates: 1,
    });
    expect(
      layout.match(/1\. Java \(language\).*cosine 0\.512, name, prior 0\.75, logit -1\.50/g),
    ).toHaveLength(1);
    expect(layout).not.toContain('2. ');
  });
});

describe('tables', () => {
  it('give East Asian characters and emoji two columns', () => {
    const lines = table([
      ['漢字', 'x'],
      ['🙂', 'x'],
      ['abcd', 'x'],
    ]).split('\n');
    expect(lines.slice(0, 3)).toEqual(['  漢字  x', '  🙂    x', '  abcd  x']);
  });
});
