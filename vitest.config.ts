import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => {
  const common = {
    globalSetup: 'tests/support/temporary-root.ts',
    setupFiles: ['tests/support/property-rounds.ts', 'tests/support/leave-nothing-behind.ts'],
    // Read by tests/support/thoroughness.ts. A mode can be named on every system's command line, a variable cannot.
    env: mode === 'thorough' ? { PENNYGRAD_TEST_THOROUGH: '1' } : {},
  };
  return {
    test: {
      // Sources that did not change are not transformed again.
      experimental: { fsModuleCache: true },
      projects: [
        {
          // Files share a process: forty starts of one would take longer than the tests.
          test: {
            ...common,
            name: 'unit',
            include: ['tests/unit/**/*.test.ts', 'tests/contract/**/*.test.ts'],
            isolate: false,
            // A deadline for what hangs, not for a slow machine.
            testTimeout: 60_000,
            hookTimeout: 60_000,
            maxWorkers: 2,
          },
        },
        {
          // Real processes on real cores: after the unit tests and one file at a time, so that deadlines hold on two cores.
          test: {
            ...common,
            name: 'integration',
            include: ['tests/integration/*.test.ts', 'tests/chaos/*.test.ts'],
            fileParallelism: false,
            sequence: { groupOrder: 1 },
            testTimeout: 120_000,
            hookTimeout: 120_000,
          },
        },
        {
          // These wait for scrapes and rules most of the time, and what they look at keeps on a busy machine: two at once.
          test: {
            ...common,
            name: 'monitoring',
            include: ['tests/integration/monitoring/*.test.ts'],
            maxWorkers: 2,
            sequence: { groupOrder: 2 },
            testTimeout: 120_000,
            hookTimeout: 180_000,
          },
        },
      ],
    },
  };
});
