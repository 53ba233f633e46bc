/** What befalls a run of real processes, drawn from a seed. */
import { createRandom } from '../../../src/shared/core/random.ts';

export type Deed =
  /** SIGKILL. */
  | { readonly kind: 'kill'; readonly atMs: number; readonly worker: number }
  /** SIGSTOP, and SIGCONT so much later: shorter or longer than what the coordinator waits for. */
  | { readonly kind: 'freeze'; readonly atMs: number; readonly worker: number; readonly forMs: number }
  /** SIGTERM or SIGUSR1, as a spot machine's last notice. */
  | {
      readonly kind: 'drain';
      readonly atMs: number;
      readonly worker: number;
      readonly signal: 'SIGTERM' | 'SIGUSR1';
    }
  /** One more worker. */
  | { readonly kind: 'join'; readonly atMs: number };

export interface Schedule {
  readonly seed: number;
  readonly workers: { readonly min: number; readonly max: number };
  readonly onLoss: 'continue' | 'wait';
  /** How many there are at first. */
  readonly beginWith: number;
  /** In the order in which they are done. `worker` counts the workers that were ever started. */
  readonly deeds: readonly Deed[];
}

const span = 4000;
const longestFreeze = 6000;

/** The last deeds are joins: whatever became of the others, there are enough workers in the end. */
export function drawSchedule(seed: number): Schedule {
  const random = createRandom(seed, 0x5eed);
  const max = 1 + random.integer(3);
  const min = 1 + random.integer(max);
  const beginWith = min + random.integer(max - min + 1);
  const count = 1 + random.integer(4);
  const drawn = Array.from({ length: count }, (): Deed => {
    const atMs = random.integer(span);
    const worker = random.integer(beginWith + 1);
    switch (random.integer(4)) {
      case 0:
        return { kind: 'kill', atMs, worker };
      case 1:
        return { kind: 'freeze', atMs, worker, forMs: 50 + random.integer(longestFreeze) };
      case 2:
        return { kind: 'drain', atMs, worker, signal: random.integer(2) === 0 ? 'SIGTERM' : 'SIGUSR1' };
      default:
        return { kind: 'join', atMs };
    }
  });
  const deeds = [...drawn].sort((a, b) => a.atMs - b.atMs);
  const replacements = Array.from({ length: max }, (_, index): Deed => ({ kind: 'join', atMs: span + 100 * index }));
  const onLoss = random.integer(2) === 0 ? 'continue' : 'wait';
  return { seed, workers: { min, max }, onLoss, beginWith, deeds: [...deeds, ...replacements] };
}

export function describeSchedule({ seed, workers, onLoss, beginWith, deeds }: Schedule): string {
  const what = deeds.map(({ kind, atMs, ...rest }) => `${kind}${'worker' in rest ? ` w${rest.worker}` : ''} ${atMs}`);
  return `seed ${seed}: ${beginWith} of ${workers.min}:${workers.max}, ${onLoss}, ${what.join(', ')}`;
}
