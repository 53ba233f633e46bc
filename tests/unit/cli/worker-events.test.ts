/** What `--json` prints of the workers. Programs read these lines, so each is here as it is printed. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeForMachines } from '../../../src/cli/worker-events.ts';
import type { RunEvent } from '../../../src/coordinator/run-events.ts';
import { member } from '../../support/observed-run.ts';

const interruption = {
  workerId: 'w1',
  reason: 'dropped',
  step: 1200,
  recoverySeconds: 0.085,
  wastedSeconds: 1.25,
  wastedUsd: 0.0004,
  lostSteps: 0,
} as const;

/** What else is on record of the step is for others. */
const wentOn = { type: 'went-on', step: 1200 } as RunEvent;

const lines: readonly (readonly [event: RunEvent, line: string])[] = [
  [
    { type: 'worker-joined', workerId: 'w1', host: 'alpha', pid: 4242 },
    '{"event":"worker_joined","worker_id":"w1","host":"alpha","pid":4242}',
  ],
  [
    { type: 'worker-refused', workerId: 'w1', reason: 'seed differs' },
    '{"event":"worker_refused","worker_id":"w1","reason":"seed differs"}',
  ],
  [
    { type: 'worker-lost', workerId: 'w1', reason: 'it was killed', cause: 'killed' },
    '{"event":"worker_lost","worker_id":"w1","cause":"killed","reason":"it was killed"}',
  ],
  [
    { type: 'worker-draining', workerId: 'w1', reason: 'the host shuts down' },
    '{"event":"worker_draining","worker_id":"w1","reason":"the host shuts down"}',
  ],
  [
    { type: 'worker-drained', workerId: 'w1', reason: 'the host shuts down' },
    '{"event":"worker_drained","worker_id":"w1","reason":"the host shuts down"}',
  ],
  [
    { type: 'worker-drained', workerId: 'w1', reason: 'it was slow', dropped: true },
    '{"event":"worker_drained","worker_id":"w1","reason":"it was slow","dropped":true}',
  ],
  [
    { type: 'worker-preempted', workerId: 'w1', seconds: 30 },
    '{"event":"worker_preempted","worker_id":"w1","notice_seconds":30}',
  ],
  [
    { type: 'straggler', workerId: 'w1', isOne: true, slowdown: 3.2, reason: 'it is slow' },
    '{"event":"straggler","worker_id":"w1","is_straggler":true,"slowdown":3.2,"reason":"it is slow"}',
  ],
  [
    { type: 'straggler', workerId: 'w1', isOne: false, slowdown: 1.1, reason: 'it is as fast' },
    '{"event":"straggler","worker_id":"w1","is_straggler":false,"slowdown":1.1,"reason":"it is as fast"}',
  ],
  [
    { type: 'straggler-kept', workerId: 'w1', reason: 'the run needs it' },
    '{"event":"straggler_kept","worker_id":"w1","reason":"the run needs it"}',
  ],
  [
    { type: 'generation', number: 2, members: [member(0, 0.35)], parameterCount: 10, reason: 'a worker is ready' },
    '{"event":"generation","generation":2,"reason":"a worker is ready","workers":[{"worker_id":"w0","rank":0,' +
      '"host":"alpha","pid":100,"backend":"wasm","device":"wasm, SIMD","price_usd_per_hour":0.35}]}',
  ],
  [
    {
      type: 'generation',
      number: 1,
      members: [{ ...member(1), gpu: 'NVIDIA T4', emulatedSpeed: 0.25 }],
      parameterCount: 10,
      reason: 'a worker is ready',
    },
    '{"event":"generation","generation":1,"reason":"a worker is ready","workers":[{"worker_id":"w1","rank":1,' +
      '"host":"alpha","pid":101,"backend":"wasm","device":"wasm, SIMD","gpu":"NVIDIA T4","emulated_speed":0.25}]}',
  ],
  [
    { type: 'all-reduce', allReduce: 'mesh', reason: 'all workers are on one host' },
    '{"event":"all_reduce","all_reduce":"mesh","reason":"all workers are on one host"}',
  ],
  [
    {
      type: 'all-reduce',
      allReduce: 'mesh-two-shot',
      reason: 'modelled',
      link: { bitsPerSecond: 98_500_000, delaySeconds: 0.0003, basis: 'measured' },
    },
    '{"event":"all_reduce","all_reduce":"mesh-two-shot","reason":"modelled",' +
      '"link":{"bits_per_second":98500000,"delay_seconds":0.0003,"basis":"measured"}}',
  ],
  [
    { type: 'waiting', reason: '1 of 2 workers ready', seconds: 24 },
    '{"event":"waiting","reason":"1 of 2 workers ready","seconds":24}',
  ],
  [{ type: 'healed', workerId: 'w1', step: 1200 }, '{"event":"healed","worker_id":"w1","step":1200}'],
  [{ type: 'rolled-back', step: 1200, lostSteps: 3 }, '{"event":"rolled_back","step":1200,"lost_steps":3}'],
  [wentOn, '{"event":"went_on","step":1200}'],
  [
    { type: 'interruption', interruption },
    '{"event":"interruption","worker_id":"w1","reason":"dropped","step":1200,"recovery_seconds":0.085,' +
      '"wasted_seconds":1.25,"wasted_usd":0.0004,"lost_steps":0}',
  ],
];

describe('what machines are told of the workers', () => {
  it.each(lines.map(([event, line]) => ({ type: event.type, event, line })))('$type', ({ event, line }) => {
    expect(JSON.stringify(describeForMachines(event))).toBe(line);
  });

  it('is in the documentation, every kind of it', () => {
    const page = readFileSync(new URL('../../../docs/observability.md', import.meta.url), 'utf8');
    const [, section = ''] = /^## Events for machines$(.*?)^## /ms.exec(page) ?? [];
    const [, list = ''] = /for each change of the workers: (.*?)\. `log`/s.exec(section) ?? [];
    const named = [...list.replace(/\([^)]*\)/g, '').matchAll(/`(\w+)`/g)].map(([, name]) => name);
    const told = new Set(lines.map(([, line]) => JSON.parse(line).event));
    expect(named.toSorted()).toEqual([...told].sort());
  });

  it.each<RunEvent>([
    { type: 'tick' },
    { type: 'epoch-begun', epoch: 0 },
    { type: 'straggler-overdue', workerId: 'w1', reason: 'it is slow' },
    { type: 'slowdowns', members: [{ workerId: 'w1', slowdown: 3, isStraggler: true }] },
  ])('has nothing of $type', (event) => {
    expect(describeForMachines(event)).toBeUndefined();
  });
});
