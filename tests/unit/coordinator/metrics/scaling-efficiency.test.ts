import { describe, expect, it, test } from 'vitest';
import {
  addStep,
  busBandwidth,
  estimateEfficiency,
  noSteps,
} from '../../../../src/coordinator/metrics/collectors/scaling-efficiency.ts';
import { noPhaseSeconds } from '../../../../src/shared/core/phases.ts';
import { observeShortRun } from '../../../support/observed-run.ts';
import { parseSamples, withoutRun } from '../../../support/scrape.ts';

const phases = (load: number, compute: number, communicate: number, wait: number, apply: number) => ({
  load,
  compute,
  communicate,
  wait,
  apply,
});

describe('the efficiency that a run estimates of itself', () => {
  it('is 1 when nothing but samples takes time, in both modes', () => {
    const taken = addStep(noSteps, 2, [phases(0.5, 1.5, 0, 0, 0), phases(0.5, 1.5, 0, 0, 0)]);
    expect(estimateEfficiency(taken)).toEqual({ strong: 1, weak: 1 });
  });

  it('loses an update that every worker makes under strong scaling only: one worker would have made one', () => {
    const each = phases(0, 0.5, 0, 0, 0.5);
    // One worker: four shares of 0.5 s and one update, 2.5 s. Four workers take 1 s.
    expect(estimateEfficiency(addStep(noSteps, 1, [each, each, each, each]))).toEqual({ strong: 2.5 / 4, weak: 1 });
  });

  it('loses waits and communication', () => {
    const taken = addStep(noSteps, 1, [phases(0, 0.9, 0.1, 0, 0), phases(0, 0.3, 0.1, 0.6, 0)]);
    expect(estimateEfficiency(taken)?.strong).toBeCloseTo(0.6, 12);
    expect(estimateEfficiency(taken)?.weak).toBeCloseTo(0.6, 12);
  });

  it('averages over steps of as many workers, and starts over when their number changes', () => {
    const [busy, idle] = [phases(0, 1, 0, 0, 0), phases(0, 0, 0, 1, 0)];
    const two = addStep(addStep(noSteps, 1, [busy]), 1, [idle]);
    expect(estimateEfficiency(two)?.strong).toBe(0.5);
    expect(estimateEfficiency(addStep(two, 1, [busy, busy]))?.strong).toBe(1);
  });

  it('is unknown before the first step', () => {
    expect(estimateEfficiency(noSteps)).toBeUndefined();
  });
});

describe('bus bandwidth', () => {
  // The figures of an all-reduce of 1 MB in 1 ms: algorithm bandwidth 1 GB/s, × 2(N − 1)/N.
  const member = { ...noPhaseSeconds, communicate: 0.001 };

  it.each([
    [2, 1e9],
    [4, 1.5e9],
  ])('of %i workers', (workers, expected) => {
    const taken = addStep(noSteps, 1, new Array(workers).fill(member));
    expect(busBandwidth(taken, 1e6)).toBeCloseTo(expected, 0);
    expect(busBandwidth(addStep(taken, 1, new Array(workers).fill(member)), 1e6)).toBeCloseTo(expected, 0);
  });

  it('is unknown where nothing is communicated', () => {
    expect(busBandwidth(addStep(noSteps, 1, [member]), 1e6)).toBeUndefined();
    expect(busBandwidth(addStep(noSteps, 1, [noPhaseSeconds, noPhaseSeconds]), 1e6)).toBeUndefined();
  });
});

test('the metrics show both, of the epoch so far', async () => {
  const samples = withoutRun(parseSamples(await observeShortRun().application.metrics()));
  // Of each second w0 computed 0.9 and w1 0.4, with 0.05 of it the update.
  expect(samples.get('pennygrad_scaling_efficiency_ratio{mode="strong"}')).toBeCloseTo((0.85 + 0.35 + 0.05) / 2, 9);
  expect(samples.get('pennygrad_scaling_efficiency_ratio{mode="weak"}')).toBeCloseTo((0.9 + 0.4) / 2, 9);
  // 10 parameters of four bytes in 0.1 s.
  expect(samples.get('pennygrad_allreduce_bus_bandwidth_bytes_per_second')).toBeCloseTo(400, 6);
});
