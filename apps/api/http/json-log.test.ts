import { describe, expect, it } from '@jest/globals';
import type { LogLevel } from '../../../libs/config/environment.js';
import { JsonLog } from './json-log.js';

function logged(level: LogLevel): string[] {
  const lines: string[] = [];
  const log = new JsonLog(level, (line) => lines.push(line));
  log.log('nest');
  log.info('info', { a: 1 });
  log.warn('warn', 'Context');
  log.error(new Error('error\nsecond line'));
  return lines;
}

describe('JsonLog', () => {
  it.each<[LogLevel, number]>([
    ['silent', 0],
    ['error', 1],
    ['warn', 2],
    ['info', 3],
    ['debug', 4],
  ])('at %s writes %d lines', (level, count) => {
    expect(logged(level)).toHaveLength(count);
  });

  it('writes one JSON object a line, also for errors of several lines', () => {
    for (const line of logged('debug')) {
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(JSON.parse(line)).toMatchObject({
        level: expect.any(String),
        time: expect.any(String),
      });
    }
  });
});
