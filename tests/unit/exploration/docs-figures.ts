/** What docs/reliability.md says of the exploration. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface DocsFigures {
  /** Runs that are explored exhaustively, and different states in which a fault struck. */
  readonly runs: number;
  readonly states: number;
  /** Drawn schedules in `npm test`. */
  readonly schedules: number;
  /** Names of the invariants. */
  readonly invariants: readonly string[];
}

export function docsFigures(): DocsFigures {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/reliability.md'), 'utf8');
  const [, section = ''] = text.split('## Explored in virtual time');
  const [own = ''] = section.split('\n## ');
  const figure = (pattern: RegExp) => Number(pattern.exec(own.replaceAll(/\s+/g, ' '))?.[1]?.replaceAll(',', ''));
  return {
    runs: figure(/([\d,]+) runs/),
    states: figure(/([\d,]+) different states/),
    schedules: figure(/([\d,]+) drawn schedules/),
    invariants: [...own.matchAll(/^- (.+)$/gm)].map(([, name = '']) => name),
  };
}
