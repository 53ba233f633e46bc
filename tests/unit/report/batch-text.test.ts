import { expect, it } from 'vitest';
import { describeBatch } from '../../../src/report/batch-text.ts';

it.each([
  [{ global_batch_size: 64 }, 'batch 64'],
  [{ global_batch_size: 1024, local_steps: 16 }, 'batch 64 × 16 local steps'],
  [{ global_batch_size: 64, compression: 'topk:1' }, 'batch 64, with topk:1'],
  [{ global_batch_size: 65_536, local_steps: 64, compression: 'int8' }, 'batch 1,024 × 64 local steps, with int8'],
])('%o is %s', (summary, text) => {
  expect(describeBatch(summary)).toBe(text);
});
