/** Follows `samples.audit` while a run writes it: a line for each committed step, at its commit. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openBoundedFile } from '../../shared/files/bounded-file.ts';

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

/** @param path of a file that exists */
export async function watchAudit(path: string): Promise<AuditWatch> {
  const { file } = await openBoundedFile(path, Number.POSITIVE_INFINITY);
  const piece = Buffer.alloc(1 << 16);
  let [steps, fleet, newFleetAt, rest] = [0, '', Number.NEGATIVE_INFINITY, ''];
  let isClosed = false;

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

  async function follow(): Promise<void> {
    while (!isClosed) {
      const { bytesRead } = await file.read(piece, 0, piece.length);
      const lines = (rest + piece.toString('utf8', 0, bytesRead)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(line);
      if (bytesRead === 0) await sleep(lookEveryMs);
    }
    await file.close();
  }

  follow().catch((error: unknown) => console.error(error));
  return {
    steps: () => steps,
    newFleetAt: () => newFleetAt,
    close() {
      isClosed = true;
    },
  };
}
