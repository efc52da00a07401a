import { describe, expect, it } from '@jest/globals';
import { ReferentError, type ErrorCode } from '../../../libs/contract/errors.js';
import { toFailure } from './failure.js';
import { BusyError } from './work-line.js';

const asked = { method: 'POST', path: '/v1/annotate', maxBodyBytes: 100 };

describe('toFailure', () => {
  it('tells nothing of an error that nobody foresaw', () => {
    const failure = toFailure(new TypeError('secret at /home/x.ts:3'), asked);
    expect(failure).toMatchObject({ code: 'internal', status: 500 });
    expect(JSON.stringify(failure)).not.toContain('secret');
  });

  it.each<[ErrorCode, number]>([
    ['invalid-input', 400],
    ['kb-not-found', 404],
    ['too-large', 413],
    ['busy', 429],
    ['not-ready', 503],
    ['disk-full', 507],
  ])('%s is %d', (code, status) => {
    expect(toFailure(new ReferentError(code, 'x'), asked)).toMatchObject({ code, status });
  });

  it('says when to come again', () => {
    expect(toFailure(new BusyError('x', 7), asked).headers).toEqual({ 'Retry-After': '7' });
    expect(toFailure(new ReferentError('not-ready', 'x'), asked).headers).toHaveProperty(
      'Retry-After',
    );
  });
});
