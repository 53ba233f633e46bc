import { describe, expect, it } from 'vitest';
import { requireCompressible } from '../../../src/cli/require-compressible.ts';
import { trainingConfig } from '../../support/settings.ts';

describe('compression', () => {
  it.each(['auto', 'star', 'mesh'] as const)('goes with --all-reduce %s', (allReduce) => {
    expect(() => requireCompressible(trainingConfig({ compress: 'int8', allReduce }))).not.toThrow();
  });

  it.each(['mesh-two-shot', 'ring'] as const)(
    'does not go with --all-reduce %s, which sends on what is added up, and those that do are named',
    (allReduce) => {
      const asked = (compress: string) => () => requireCompressible(trainingConfig({ compress, allReduce }));
      expect(asked('bf16')).toThrow(`--compress bf16: --all-reduce ${allReduce} cannot compress; use star or mesh`);
      expect(asked('none')).not.toThrow();
    },
  );

  it('does not go with --deterministic, which is named, and none does', () => {
    const deterministic = (compress: string) => () =>
      requireCompressible(trainingConfig({ compress, deterministic: true }));
    expect(deterministic('topk:5')).toThrow(/^--compress topk:5: .*--deterministic/);
    expect(deterministic('none')).not.toThrow();
  });
});
