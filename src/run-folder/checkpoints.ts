/** The checkpoints of a run, in the folder `checkpoints/`. Whatever is called `step-N` is complete. */
import { readdirSync } from 'node:fs';

/** @param step committed steps */
export function checkpointName(step: number): string {
  return `step-${step}`;
}

/** Names of the complete checkpoints, oldest first. */
export function listCheckpoints(folder: string): readonly string[] {
  return sortCheckpoints(readdirSync(folder));
}

/** @param names of files in the folder, some of which may not be checkpoints */
export function sortCheckpoints(names: readonly string[]): readonly string[] {
  return names.filter((name) => /^step-\d+$/.test(name)).sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
}
