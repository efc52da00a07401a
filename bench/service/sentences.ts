/** Sentences of the demo's world with one name each, all different: nothing that was kept of one helps another. */
export interface Sentence {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const NAMES = [
  'Mercury', 'Java', 'Saturn', 'Python', 'Jaguar', 'Amazon', 'Apollo', 'Phoenix', 'Georgia', 'Cambridge',
]; // prettier-ignore

const BEFORE = [
  'Last spring the visitors asked about',
  'Nobody in the room had expected to hear of',
  'The second chapter of the book is about',
  'She spent eleven years of her life on',
  'A short note in the margin mentions',
  'The older of the two brothers wrote to a friend about',
  'In the evening the guide told a long story about',
  'On the first page of the newspaper there was a picture of',
  'Their teacher made them learn everything there is to know about',
  'What the committee finally agreed on was a report about',
] as const;

const AFTER = [
  'and its surface.',
  'before the war.',
  'as seen by those who live there.',
  'in a language that few could read.',
  'and the people who named it.',
  'with a map and two drawings.',
  'while the rain went on.',
  'because it had been forgotten.',
  'and nothing else.',
  'after the meeting was over.',
] as const;

/** At most 1,000; names change fastest. */
export function sentences(count: number): Sentence[] {
  return Array.from({ length: count }, (_, at) => {
    const name = pick(NAMES, at);
    const before = `${pick(BEFORE, Math.floor(at / 10))} `;
    const text = `${before}${name} ${pick(AFTER, Math.floor(at / 100))}`;
    return { text, start: before.length, end: before.length + name.length };
  });
}

function pick(from: readonly string[], at: number): string {
  return from[at % from.length] ?? '';
}
