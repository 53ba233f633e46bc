import { expect, it } from 'vitest';
import type { ProgramResult } from '../../../src/engine/run-program.ts';
import { checkLearning, verifyEngine } from '../../../src/setup/verification.ts';

const ended = (result: Partial<ProgramResult>) => async () => ({
  code: 0,
  stdout: '',
  stderr: '',
  missing: false,
  ...result,
});

it('takes losses that fall', () => {
  const verification = { device: 'a GPU', losses: [2.3, 2.1, 2] };
  expect(checkLearning('webgpu', verification)).toBe(verification);
});

it.each([[[2.3, 2.4, 2.2]], [[2.3, Number.NaN, 2]], [[]]])('refuses losses %j', (losses) => {
  expect(() => checkLearning('webgpu', { device: 'a GPU', losses })).toThrow(/webgpu on a GPU computes wrong results/);
});

it('gives the last words of an engine that fails, and says when it left none', async () => {
  const failing = ended({ code: 1, stderr: 'Warning: no driver\nno GPU was found; install one\n' });
  await expect(verifyEngine('webgpu', failing)).rejects.toThrow(
    'engine webgpu is installed but does not train: no GPU was found; install one',
  );
  const crashing = async () => ({ ...(await ended({})()), code: undefined });
  await expect(verifyEngine('webgpu', crashing)).rejects.toThrow(
    /its process was killed, perhaps by a crash of the driver/,
  );
});
