import { describe, expect, it } from '@jest/globals';
import { CommanderError } from 'commander';
import { ReferentError } from '../../libs/contract/errors.js';
import { describeError, exitCodeOf, Interrupted } from './exit.js';

describe('exit codes', () => {
  it.each<[unknown, number]>([
    [new ReferentError('invalid-input', 'bad'), 2],
    [new ReferentError('kb-not-found', 'none'), 2],
    [new ReferentError('disk-full', 'full'), 1],
    [new CommanderError(0, 'commander.helpDisplayed', ''), 0],
    [new CommanderError(1, 'commander.unknownOption', ''), 2],
    [new Interrupted('stopped'), 130],
    [new Error('a bug'), 1],
    ['thrown text', 1],
  ])('of %p is %i', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });
});

describe('errors for people', () => {
  const cause = new Error('ENOSPC');
  const error = new ReferentError('disk-full', 'The disk is full.', { cause });

  it('are one line', () => {
    expect(describeError(error, false)).toBe('referent: The disk is full.');
  });

  it('point to --debug where the message was not written for people', () => {
    expect(describeError(new Error('x is not a function'), false)).toMatch(/--debug/);
  });

  it('carry stack and causes with --debug', () => {
    expect(describeError(error, true)).toMatch(/exit\.test[\s\S]*caused by: Error: ENOSPC/);
  });
});
