import { describe, expect, it } from 'vitest';
import {
  badInput,
  codeOf,
  type ErrorCode,
  exitCodeOf,
  firstLineOf,
  messageOf,
  PennygradError,
} from '../../../../src/shared/core/errors.ts';

describe('exitCodeOf', () => {
  /** As the README has them. */
  const documented: Readonly<Record<ErrorCode, number>> = {
    'bad-input': 2,
    'run-failed': 3,
    diverged: 3,
    'quorum-lost': 4,
    'budget-reached': 5,
    interrupted: 130,
  };

  it.each(Object.entries(documented) as [ErrorCode, number][])('of %s is %d', (code, exitCode) => {
    expect(exitCodeOf(new PennygradError(code, 'text'))).toBe(exitCode);
  });

  it.each([new Error('a bug'), 'text', undefined])('of anything else, here %s, is that of a failed run', (error) => {
    expect(exitCodeOf(error)).toBe(3);
  });
});

describe('badInput', () => {
  it('is an error that the user can mend, with what led to it', () => {
    const cause = new Error('ENOENT');
    const error = badInput('no such file', cause);
    expect(error).toMatchObject({ name: 'PennygradError', code: 'bad-input', message: 'no such file', cause });
    expect(error).toBeInstanceOf(Error);
    expect(badInput('no such file')).not.toHaveProperty('cause');
  });
});

describe('the code of the system', () => {
  const missing = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });

  it.each([
    ['of its own error', missing, 'ENOENT'],
    ['of one of ours that it led to', badInput('no such file', missing), 'ENOENT'],
    ['of none that only comes with another cause', new Error('broken', { cause: missing }), ''],
    ['of one of ours without a cause, whose own code is not the system’s', badInput('no such flag'), ''],
    ['of what is no error', { code: 'ENOENT' }, ''],
    ['of nothing', undefined, ''],
  ])('%s', (_, error, code) => {
    expect(codeOf(error)).toBe(code);
  });
});

describe('the message', () => {
  it('of an error is its own, of anything else the text of it', () => {
    expect(messageOf(new Error('broken'))).toBe('broken');
    expect(messageOf('thrown text')).toBe('thrown text');
    expect(messageOf(undefined)).toBe('undefined');
  });

  it('has a first line', () => {
    expect(firstLineOf(new Error('\n  broken\nat all ends'))).toBe('broken');
    expect(firstLineOf(new Error(''))).toBe('');
  });

  it('of a host with several addresses is that of the first', () => {
    const refused = ['::1', '127.0.0.1'].map((address) => new Error(`connect ECONNREFUSED ${address}`));
    expect(firstLineOf(new AggregateError(refused))).toBe('connect ECONNREFUSED ::1');
  });
});
