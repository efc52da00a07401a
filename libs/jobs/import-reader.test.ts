import { describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { readRecords, type RecordPage } from './import-reader.js';
import { MAX_RECORD_BYTES } from './import-record.js';
import { fileSource, formatOf, streamSource, type ImportFormat } from './import-source.js';

interface Read {
  readonly ids: string[];
  readonly records: RecordPage['records'][number]['record'][];
  readonly problems: (readonly [line: number, reason: string])[];
  readonly unknown: string[];
}

/** Reads content that arrives in chunks of the given size. */
async function read(
  content: string | Buffer,
  format: ImportFormat = 'jsonl',
  chunkBytes = 1_000,
): Promise<Read> {
  const bytes = Buffer.from(content);
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, index) =>
    bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  );
  const pages: RecordPage[] = [];
  for await (const page of readRecords(streamSource(Readable.from(chunks), format)))
    pages.push(page);
  const records = pages.flatMap((page) => page.records.map(({ record }) => record));
  return {
    ids: records.map(({ id }) => id),
    records,
    problems: pages.flatMap((page) =>
      page.problems.map(({ line, reason }) => [line, reason] as const),
    ),
    unknown: pages.flatMap((page) => [...page.unknownFields]),
  };
}

const line = (id: string, more: object = {}) => JSON.stringify({ id, title: id, ...more });

describe('JSON Lines', () => {
  it.each([1, 2, 7, 1_000])('reads lines that arrive in chunks of %d bytes', async (size) => {
    const content = `\ufeff${line('ä')}\r\n\n  \n${line('🦊')}\n${line('last')}`;
    expect((await read(content, 'jsonl', size)).ids).toEqual(['ä', '🦊', 'last']);
  });

  it.each([1, 5, 1_000])(
    'reads gzip, also of several members, in chunks of %d bytes',
    async (size) => {
      const content = Buffer.concat([gzipSync(`${line('a')}\n`), gzipSync(line('b'))]);
      expect((await read(content, 'jsonl', size)).ids).toEqual(['a', 'b']);
    },
  );

  it('reports each bad line with number and reason, and goes on', async () => {
    const content = [
      '{"id": 1, "title": "x"}',
      'not json',
      '["id", "title"]',
      'null',
      line('good'),
      '{"id": "no title"}',
      '{"id": "", "title": "x"}',
      '{"id": "x", "title": "   "}',
      line('p', { prior: -1 }),
      line('a', { aliases: [''] }),
      line('b', { aliases: Array(10_001).fill('x') }),
      line('c', { description: 'x'.repeat(1_000_000) }),
      '{"id": "open", "title": "x"',
    ].join('\n');
    const { ids, problems } = await read(content);
    expect(ids).toEqual(['good']);
    expect(problems.map(([number]) => number)).toEqual([1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13]);
    const reasons = Object.fromEntries(problems);
    expect(reasons[1]).toMatch(/^id: .*string/);
    expect(reasons[2]).toMatch(/^not JSON/);
    expect(reasons[3]).toMatch(/expected an object.*an array/);
    expect(reasons[11]).toMatch(/^aliases: .*10000.*it has 10001/);
    expect(reasons[12]).toMatch(/^description: .*100000.*it has 1000000/);
  });

  it('takes 10,000 aliases, numbers as priors, null for absent, unknown fields as data', async () => {
    const aliases = Array.from({ length: 10_000 }, (_, index) => ({
      name: `n${index}`,
      prior: 0.1,
    }));
    const content = line('a', {
      aliases,
      prior: 2,
      url: null,
      description: null,
      wiki: 'Q1',
      n: 3,
    });
    const { records, unknown } = await read(content);
    expect(records[0]).toMatchObject({ prior: 2, description: '', data: { wiki: 'Q1', n: 3 } });
    expect(records[0]?.aliases).toHaveLength(10_000);
    expect(records[0]).not.toHaveProperty('url');
    expect(unknown).toEqual(['wiki', 'n']);
  });

  it('refuses NUL anywhere, and half a surrogate pair in an id', async () => {
    const content = [
      String.raw`{"id": "a\u0000", "title": "x"}`,
      String.raw`{"id": "b", "title": "x", "aliases": ["q\u0000"]}`,
      String.raw`{"id": "c", "title": "x", "data": {"deep": [{"k\u0000": 1}]}}`,
      String.raw`{"id": "d\ud83d", "title": "x"}`,
      line('e'),
    ].join('\n');
    const { ids, problems } = await read(content);
    expect(ids).toEqual(['e']);
    expect(problems.map(([, reason]) => reason)).toEqual([
      expect.stringMatching(/^id: .*NUL/),
      expect.stringMatching(/^aliases: .*NUL/),
      expect.stringMatching(/^data: .*NUL/),
      expect.stringMatching(/^id: .*surrogate/),
    ]);
  });

  it.each(['data', 'aliases', 'unknown'])(
    'leaves out %s nested too deep, and goes on',
    async (name) => {
      const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
      const deep = (levels: number) =>
        `{"id": "deep", "title": "deep", "${name}": ${nested(levels)}}`;
      const lists = `{"id": "x", "title": "x", "${name}": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
      const { ids, problems } = await read([line('a'), deep(5_000), lists, line('b')].join('\n'));
      expect(ids).toEqual(['a', 'b']);
      const reason = expect.stringMatching(/^(data|aliases): nested more than 64 levels deep/);
      expect(problems).toEqual([
        [2, reason],
        [3, reason],
      ]);
    },
  );

  it('takes data of 64 levels', async () => {
    const nested = (levels: number) =>
      `{"id": "x", "title": "x", "data": ${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`;
    expect((await read(nested(64))).ids).toEqual(['x']);
    expect((await read(nested(65))).problems).toHaveLength(1);
  });

  it('puts U+FFFD for half a surrogate pair in other texts', async () => {
    const content = String.raw`{"id": "a", "title": "x\ud83d", "description": "cut \udc00 here"}`;
    const { records } = await read(content);
    expect(records[0]).toMatchObject({ title: 'x\ufffd', description: 'cut \ufffd here' });
  });

  it('reports bytes that are no UTF-8', async () => {
    const latin1 = Buffer.from('{"id": "caf\xe9", "title": "x"}\n', 'latin1');
    const { ids, problems } = await read(Buffer.concat([latin1, Buffer.from(line('good'))]));
    expect(ids).toEqual(['good']);
    expect(problems).toEqual([[1, expect.stringContaining('UTF-8')]]);
  });

  it('reports an endless line without keeping it, and reads the next', async () => {
    const endless = Buffer.alloc(3 * MAX_RECORD_BYTES, 'x');
    const content = Buffer.concat([
      Buffer.from(`${line('a')}\n`),
      endless,
      Buffer.from(`\n${line('b')}`),
    ]);
    const { ids, problems } = await read(content, 'jsonl', 100_000);
    expect(ids).toEqual(['a', 'b']);
    expect(problems).toEqual([[2, expect.stringMatching(/longer than 4,194,304 bytes/)]]);
  });

  it('bounds pages by count and by size', async () => {
    const pagesOf = async (lines: string[]) => {
      const sizes: number[] = [];
      const source = streamSource(Readable.from([Buffer.from(lines.join('\n'))]));
      for await (const page of readRecords(source)) sizes.push(page.records.length);
      return sizes;
    };
    expect(await pagesOf(Array.from({ length: 1_100 }, (_, at) => line(`${at}`)))).toEqual([
      512, 512, 76,
    ]);
    const big = Array.from({ length: 100 }, (_, at) =>
      line(`${at}`, { description: 'x'.repeat(99_000) }),
    );
    expect(Math.max(...(await pagesOf(big)))).toBeLessThan(50);
  });
});

describe('sources', () => {
  it('fails on a truncated gzip file, after giving what came before', async () => {
    const lines = Array.from({ length: 5_000 }, (_, at) => line(`id ${at * 7919}`)).join('\n');
    const whole = gzipSync(lines);
    await expect(read(whole.subarray(0, whole.length - 100))).rejects.toMatchObject({
      code: 'import-failed',
    });
    await expect(read(whole.subarray(0, 12))).rejects.toThrow(/truncated or damaged/);
  });

  it('fails on gzip with a damaged middle', async () => {
    const whole = gzipSync(
      Array.from({ length: 5_000 }, (_, at) => line(`id ${at * 7919}`)).join('\n'),
    );
    await expect(read(whole.fill(0, 5_000, 5_200))).rejects.toMatchObject({
      code: 'import-failed',
    });
  });

  it.each([
    ['a ZIP archive', Buffer.from('PK\x03\x04 and more')],
    ['compressed with xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])],
    ['in UTF-16', Buffer.from('\ufeff{"id"}', 'utf16le')],
    ['a JSON array', Buffer.from('[{"id": "a"}]')],
  ])('says what to do with %s', async (what, content) => {
    await expect(read(content)).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(read(content)).rejects.toThrow(what);
  });

  it('reads nothing from nothing', async () => {
    expect(await read('')).toMatchObject({ ids: [], problems: [] });
    expect(await read(gzipSync(''))).toMatchObject({ ids: [], problems: [] });
  });

  it('refuses what is not there or is a folder', async () => {
    await expect(fileSource('/nowhere/x.jsonl')).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(fileSource('/')).rejects.toThrow(/is a folder/);
  });

  it.each([
    ['x.csv', 'csv'],
    ['x.TSV.gz', 'tsv'],
    ['x.jsonl.gz', 'jsonl'],
    ['x.csv.txt', 'jsonl'],
  ])('takes %s for %s', (path, format) => {
    expect(formatOf(path)).toBe(format);
  });
});

describe('tables', () => {
  it('reads CSV with a header, quotes, line breaks in cells, BOM and columns of its own', async () => {
    const content =
      '\ufeffid,title,aliases,types,description,prior,url,country\r\n' +
      'a,"Paris, ""city""",Lutetia|Ville Lumière| ,city|capital,"two\nlines",0.5,https://x.org,France\r\n' +
      'b,Berlin,,,,,,\r\n';
    const { records, problems, unknown } = await read(content, 'csv', 3);
    expect(problems).toEqual([]);
    expect(unknown).toEqual(['country']);
    expect(records).toEqual([
      {
        id: 'a',
        title: 'Paris, "city"',
        aliases: [{ name: 'Lutetia' }, { name: 'Ville Lumière' }],
        types: ['city', 'capital'],
        description: 'two\nlines',
        prior: 0.5,
        url: 'https://x.org',
        data: { country: 'France' },
      },
      { id: 'b', title: 'Berlin', aliases: [], types: [], description: '' },
    ]);
  });

  it('reads TSV', async () => {
    const { ids, records } = await read('title\tid\nA, "quoted" thing\t1\nB\t2\n', 'tsv');
    expect(ids).toEqual(['1', '2']);
    expect(records[0]?.title).toBe('A, "quoted" thing');
  });

  it('reports bad rows with the line they end on, and goes on', async () => {
    const rows = ['id,title,prior', 'a,A,many', 'b,B,1,extra', ',nothing,', 'c,C,2'].join('\n');
    const bad = Buffer.concat([Buffer.from(`${rows}\n`), Buffer.from('d,caf\xe9,1\n', 'latin1')]);
    const { ids, problems } = await read(bad, 'csv');
    expect(ids).toEqual(['c']);
    expect(problems).toEqual([
      [2, expect.stringMatching(/^prior/)],
      [3, '4 cells under 3 columns'],
      [4, expect.stringMatching(/^id/)],
      [6, expect.stringContaining('UTF-8')],
    ]);
  });

  it('does not keep a row without an end', async () => {
    const open = Buffer.alloc(1.1 * MAX_RECORD_BYTES, 'x');
    const content = Buffer.concat([Buffer.from('id,title\na,A\nb,"'), open, Buffer.from('\n')]);
    const { ids, problems } = await read(content, 'csv', 100_000);
    expect(ids).toEqual(['a']);
    expect(problems[0]?.[1]).toMatch(/a row of over 4,194,304 bytes: is a quote left open/);
  });

  it('needs the columns id and title', async () => {
    await expect(read('name,label\n1,2\n', 'csv')).rejects.toThrow(
      /columns name, label; .*id and title/,
    );
  });
});
