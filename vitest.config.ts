import { defineConfig } from 'vitest/config';

/** Two at once: one waits for scrapes, deadlines or starts while the other trains, and what they look at keeps on a busy machine. */
const unhurried = [
  'tests/integration/monitoring/*.test.ts',
  'tests/integration/{deterministic,equivalence,full-disk,mixed-workers,nonfinite,resume,stragglers}.test.ts',
  'tests/integration/{assumed-prices,command-line,cost-increase,costs,prices,run-lock,sweep}.test.ts',
  'tests/integration/{dataset-cache,digits,docs-plots,environment,failed-starts,live-page,package,report-page}.test.ts',
  'tests/integration/{bench-allreduce,bench-engines,doctor,npm-install,tensorflow,threads,webgpu}.test.ts',
  'tests/chaos/{coordinator-crash,elastic,hang-ups,long-states,preemptions,restarts,strangers}.test.ts',
  'tests/chaos/schedules/*.test.ts',
];

/**
 * In `npm test` and not in `npm run check`: seconds of gradients, threads and processes that load tfjs anew, what waits for
 * processes and sockets by the real clock, and simulations of all that was measured.
 */
const slower = [
  'tests/contract/{engine,tensorflow}.test.ts',
  'tests/unit/engine/threads/*.test.ts',
  'tests/unit/engine/trials/try-engines.test.ts',
  'tests/contract/all-reduce-sockets.test.ts',
  'tests/unit/launch/local-workers.test.ts',
  'tests/unit/shared/transport/vectors-{in-memory,on-network}.test.ts',
  'tests/unit/coordinator/metrics/otlp/otlp-export.test.ts',
  'tests/unit/live/live-stream.test.ts',
  'tests/unit/run-folder/run-lock.test.ts',
  'tests/unit/shared/data/mirror.test.ts',
  'tests/unit/docs/foretold-steps.test.ts',
  'tests/unit/economics/simulation/measured-exchanges.test.ts',
];

export default defineConfig(({ mode }) => {
  const common = {
    globalSetup: 'tests/support/temporary-root.ts',
    setupFiles: ['tests/support/property-rounds.ts', 'tests/support/leave-nothing-behind.ts'],
    // Read by tests/support/thoroughness.ts. A mode can be named on every system's command line, a variable cannot.
    env: mode === 'thorough' ? { PENNYGRAD_TEST_THOROUGH: '1' } : {},
  };
  /** Files share a process: forty starts of one would take longer than the tests. */
  const sharedProcesses = {
    isolate: false,
    // A deadline for what hangs, not for a slow machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  };
  return {
    test: {
      // Sources that did not change are not transformed again.
      experimental: { fsModuleCache: true },
      projects: [
        {
          test: {
            ...common,
            ...sharedProcesses,
            name: 'unit',
            include: ['tests/unit/**/*.test.ts', 'tests/contract/**/*.test.ts'],
            exclude: slower,
          },
        },
        {
          test: { ...common, ...sharedProcesses, name: 'slower', include: slower },
        },
        {
          // Real processes on real cores: after the unit tests and one file at a time, so that deadlines hold on two cores.
          test: {
            ...common,
            name: 'integration',
            include: ['tests/integration/*.test.ts', 'tests/chaos/**/*.test.ts'],
            exclude: unhurried,
            fileParallelism: false,
            sequence: { groupOrder: 1 },
            testTimeout: 120_000,
            hookTimeout: 120_000,
          },
        },
        {
          test: {
            ...common,
            name: 'unhurried',
            include: unhurried,
            maxWorkers: 2,
            sequence: { groupOrder: 2 },
            testTimeout: 240_000,
            hookTimeout: 240_000,
          },
        },
      ],
    },
  };
});
