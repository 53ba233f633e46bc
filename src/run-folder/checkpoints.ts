/** The checkpoints of a run. */
import { readdirSync } from 'node:fs';

/** Names of the complete checkpoints, oldest first: `step-N`, where N steps were committed. */
export function listCheckpoints(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => /^step-\d+$/.test(name))
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
}
