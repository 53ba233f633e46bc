// Keeps a worker alive that dies, and hands on what it prints: `restarting-parent.mjs PROGRAM`.
import { launchLocalWorkers } from '../../dist/launch/local-workers.js';
import { systemClock } from '../../dist/shared/core/clock.js';
import { systemTimers } from '../../dist/shared/core/timers.js';

launchLocalWorkers({
  program: process.argv[2],
  workers: [{ id: 'w0', args: ['', 'stays'] }],
  environment: () => ({}),
  rules: { restarts: 3, lossEndsRun: false },
  signal: new AbortController().signal,
  clock: systemClock,
  timers: systemTimers,
  onLine: (_, line) => console.log(line),
  onGone() {},
  onExit() {},
});
