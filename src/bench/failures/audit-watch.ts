/** Follows `samples.audit` while a run writes it: a line for each committed step, at its commit. */
import { closeSync, openSync, readSync } from 'node:fs';

export interface AuditWatch {
  /** Committed steps so far. */
  steps(): number;
  /** When a step was last committed that another fleet trained than the step before: `performance.now()`. */
  newFleetAt(): number;
  /** May be called twice. */
  close(): void;
}

/** How often the file is looked at, which is how exactly times are known. In milliseconds. */
const lookEveryMs = 5;

/** @param file exists, and has a header */
export function watchAudit(file: string): AuditWatch {
  const descriptor = openSync(file, 'r');
  const chunk = Buffer.alloc(1 << 16);
  let [steps, fleet, newFleetAt, rest] = [0, '', Number.NEGATIVE_INFINITY, ''];

  function take(line: string): void {
    if (line === '1') {
      steps += 1;
      return;
    }
    const entry = JSON.parse(line) as { readonly type: string; readonly step: number; readonly shares?: [string][] };
    if (entry.type === 'resume') steps = Math.min(steps, entry.step);
    if (entry.type !== 'step') return;
    steps += 1;
    const workers = (entry.shares ?? []).map(([worker]) => worker).join();
    if (workers !== fleet) newFleetAt = performance.now();
    fleet = workers;
  }

  function look(): void {
    for (let read = readSync(descriptor, chunk); read > 0; read = readSync(descriptor, chunk)) {
      const lines = (rest + chunk.toString('utf8', 0, read)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(line);
    }
  }

  const timer = setInterval(look, lookEveryMs);
  return {
    steps: () => steps,
    newFleetAt: () => newFleetAt,
    close() {
      if (timer.hasRef()) closeSync(descriptor);
      clearInterval(timer);
      timer.unref();
    },
  };
}
