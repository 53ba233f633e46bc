import { describe, expect, it } from 'vitest';
import { cpuProvider } from '../../../src/engine/cpu/cpu-provider.ts';
import type { EngineAvailability, EngineName, EngineProvider } from '../../../src/engine/engine.ts';
import { deterministicEnginesWith, enginesWith, selectEngine } from '../../../src/engine/engines.ts';
import { chooseFlavour } from '../../../src/engine/wasm/kernel-module.ts';
import { wasmProvider } from '../../../src/engine/wasm/wasm-provider.ts';
import { resultsOf } from '../../support/engine-trials.ts';

function provider(name: EngineName, availability: EngineAvailability): EngineProvider {
  return { name, probe: async () => availability, create: () => Promise.reject(new Error('only probed')) };
}

const usable = { usable: true, device: 'a device' } as const;
const broken = { usable: false, reason: 'the moon is full', remedy: 'wait' } as const;

describe('selectEngine', () => {
  it('takes the first that works, and says why', async () => {
    const both = [provider('wasm', usable), provider('cpu', usable)];
    expect(await selectEngine('auto', both)).toEqual({
      provider: both[0],
      reason: 'wasm: the fastest engine that works here (a device)',
    });
  });

  it('says what it passed over', async () => {
    const { provider: chosen, reason } = await selectEngine('auto', [
      provider('wasm', broken),
      provider('cpu', usable),
    ]);
    expect(chosen.name).toBe('cpu');
    expect(reason).toBe('cpu: the fastest engine that works here (a device); wasm is not usable: the moon is full');
  });

  it('takes the one that was named, whatever is faster', async () => {
    const selected = await selectEngine('cpu', [provider('wasm', usable), provider('cpu', usable)]);
    expect(selected.provider.name).toBe('cpu');
    expect(selected.reason).toBe('cpu: as asked for (a device)');
  });

  it('refuses one that was named and is not usable, with the reason and what to do', async () => {
    const selection = selectEngine('wasm', [provider('wasm', broken), provider('cpu', usable)]);
    await expect(selection).rejects.toThrow('engine wasm is not usable: the moon is full; wait');
    await expect(selection).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('takes automatically none that asks not to be, but by name', async () => {
    const emulated = provider('webgpu', { ...usable, notAutomatic: 'its GPU is emulated' });
    const { provider: chosen, reason } = await selectEngine('auto', [emulated, provider('cpu', usable)]);
    expect(chosen.name).toBe('cpu');
    expect(reason).toContain('webgpu only by name: its GPU is emulated');
    expect((await selectEngine('webgpu', [emulated])).provider).toBe(emulated);
  });

  it('decides by a trial between those that work, and never tries the reference', async () => {
    const asked: (readonly string[])[] = [];
    const onCpu = provider('tensorflow', { ...usable, onlyIfFaster: true });
    const all = [onCpu, provider('webgpu', broken), provider('wasm', usable), provider('cpu', usable)];
    const selection = await selectEngine('auto', all, async (contenders) => {
      asked.push(contenders.map(({ engine }) => engine));
      return resultsOf({ tensorflow: 7859, wasm: 6298 });
    });
    expect(asked).toEqual([['tensorflow', 'wasm']]);
    expect(selection).toEqual({
      provider: onCpu,
      reason: 'tensorflow: 7,859 samples/s in a trial, wasm 6,298 (a device); webgpu is not usable: the moon is full',
    });
  });

  it.each([
    ['a named engine', 'wasm', [provider('tensorflow', usable), provider('wasm', usable)]],
    ['an engine without rivals', 'auto', [provider('tensorflow', broken), provider('wasm', usable), cpuProvider]],
  ] as const)('makes no trial of %s', async (_, requested, providers) => {
    const { provider: chosen } = await selectEngine(requested, providers, () => Promise.reject(new Error('a trial')));
    expect(chosen.name).toBe('wasm');
  });

  it('takes the preferred engine where no trial is made', async () => {
    const both = [provider('tensorflow', { ...usable, onlyIfFaster: true }), provider('wasm', usable)];
    const { provider: chosen, reason } = await selectEngine('auto', both);
    expect(chosen.name).toBe('wasm');
    expect(reason).toBe('wasm: taken before tensorflow: only a training run tries them (a device)');
  });

  it('does not mention what was never installed', async () => {
    const absent = provider('webgpu', { ...broken, notInstalled: true });
    const { reason } = await selectEngine('auto', [absent, provider('cpu', usable)]);
    expect(reason).toBe('cpu: the fastest engine that works here (a device)');
    await expect(selectEngine('webgpu', [absent])).rejects.toThrow('the moon is full');
  });

  it('says why none works', async () => {
    await expect(selectEngine('auto', [provider('wasm', broken)])).rejects.toThrow(
      'no engine works here: wasm is not usable: the moon is full',
    );
  });

  it('finds wasm usable on every Node that pennygrad supports', async () => {
    const { provider: chosen, reason } = await selectEngine('auto', [wasmProvider(), cpuProvider]);
    expect(chosen.name).toBe('wasm');
    expect(reason).toMatch(/^wasm: .* \(wasm, (relaxed )?SIMD\)/);
  });
});

describe('engines of several threads', () => {
  const without = (name: EngineName) => enginesWith(3).filter((candidate) => candidate.name !== name);

  it('are told by what they compute on', async () => {
    const { provider: chosen, reason } = await selectEngine('wasm', enginesWith(3));
    expect(await chosen.probe()).toMatchObject({ device: expect.stringMatching(/^wasm, .*SIMD, 3 threads$/) });
    expect(reason).toContain('3 threads');
  });

  it.each(['cpu', 'webgpu'] as const)('are not to be had of %s, which says what to do', async (name) => {
    await expect(selectEngine(name, enginesWith(3))).rejects.toThrow(
      `engine ${name} is not usable: it cannot compute on 3 threads; leave out --threads, or use --backend wasm or tensorflow`,
    );
  });

  it('are chosen automatically where they are to be had', async () => {
    expect((await selectEngine('auto', without('tensorflow'))).provider.name).toBe('wasm');
  });

  it('are those of one thread where one is asked for', async () => {
    const [one, chosenByEngine] = await Promise.all(
      [1, undefined].map((threads) => selectEngine('cpu', enginesWith(threads))),
    );
    expect(one).toEqual(chosenByEngine);
  });
});

describe('the engines of a deterministic run', () => {
  const promise = 'it does not promise the same bits every time, which --deterministic needs';
  const remedy = 'use --backend wasm or cpu, with one thread for each worker';

  it.each(['tensorflow', 'webgpu'] as const)('are not %s, and the error says which are', async (name) => {
    await expect(selectEngine(name, deterministicEnginesWith())).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(`engine ${name} is not usable: ${promise}; ${remedy}`),
    });
  });

  it('are not on several threads', async () => {
    await expect(selectEngine('wasm', deterministicEnginesWith(2))).rejects.toThrow(
      `--deterministic needs it to compute on one thread, got 2; ${remedy}`,
    );
  });

  it('are wasm, where nobody asks for another', async () => {
    expect((await selectEngine('auto', deterministicEnginesWith())).provider.name).toBe('wasm');
    expect((await selectEngine('cpu', deterministicEnginesWith(1))).provider.name).toBe('cpu');
  });
});

describe('the wasm provider', () => {
  it.each([
    ['simd', 'wasm, SIMD'],
    ['relaxed-simd', 'wasm, relaxed SIMD'],
  ])('uses the instructions that it is told to: %s', async (flavour, device) => {
    expect(await wasmProvider(flavour).probe()).toEqual({ usable: true, device });
  });

  it('prefers relaxed SIMD', () => {
    expect(chooseFlavour()).toEqual(chooseFlavour('relaxed-simd'));
    expect(chooseFlavour('')).toEqual(chooseFlavour());
  });

  it('refuses instructions that there are not', async () => {
    const provider = wasmProvider('avx');
    expect(await provider.probe()).toEqual({
      usable: false,
      reason: 'there is no SIMD flavour avx',
      remedy: 'set PENNYGRAD_WASM_SIMD to relaxed-simd or simd, or leave it unset',
    });
  });
});
