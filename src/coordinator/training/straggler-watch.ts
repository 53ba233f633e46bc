/** Looks for stragglers while a run trains, and names those that are to be dropped. */
import type { RunEvent } from '../run-events.ts';
import {
  advanceStragglers,
  compareCosts,
  forgetStraggler,
  formatTimes,
  noStragglers,
  type StragglerVerdict,
} from './stragglers.ts';

export interface StragglerWatch {
  /** Takes in what happens in the run. @returns what follows from it */
  derive(event: RunEvent): readonly RunEvent[];
  /** The stragglers that the run should not keep, the slowest first, each with the reason. Those that were told are not repeated before they are found again. */
  takeOverdue(): readonly OverdueStraggler[];
}

export interface OverdueStraggler {
  readonly workerId: string;
  readonly reason: string;
}

/** @param dropAt the lasting slowdown from which a straggler is dropped; undefined where none is */
export function watchStragglers(dropAt: number | undefined): StragglerWatch {
  let state = noStragglers;
  let overdue: readonly OverdueStraggler[] = [];
  let usdPerHour: ReadonlyMap<string, number> = new Map();

  function overdueReason({ workerId, isStraggler, lastingSlowdown = 0 }: StragglerVerdict): string | undefined {
    if (dropAt === undefined || !isStraggler || lastingSlowdown < dropAt) return undefined;
    const costs = compareCosts(state.spans, workerId, usdPerHour);
    return (
      `a sample took it at least ${formatTimes(lastingSlowdown)} times as long as the others for most of the time ` +
      `(--drop-stragglers ${dropAt}x)${costs === undefined ? '' : `; ${costs}`}`
    );
  }

  return {
    derive(event) {
      switch (event.type) {
        case 'generation':
          usdPerHour = new Map(
            event.members.flatMap(({ workerId, priceUsdPerHour: price }) =>
              price === undefined ? [] : [[workerId, price] as const],
            ),
          );
          return [];
        case 'worker-lost':
        case 'worker-drained':
          state = forgetStraggler(state, event.workerId);
          return [];
        case 'step': {
          const { state: next, verdicts } = advanceStragglers(state, event);
          state = next;
          if (verdicts.length === 0) return [];
          overdue = verdicts.flatMap((verdict) => {
            const reason = overdueReason(verdict);
            return reason === undefined ? [] : [{ workerId: verdict.workerId, reason }];
          });
          return [
            {
              type: 'slowdowns',
              members: verdicts.map(({ workerId, slowdown, isStraggler }) => ({ workerId, slowdown, isStraggler })),
            },
            ...verdicts.filter(({ isNews }) => isNews).map(toldOf),
          ];
        }
        default:
          return [];
      }
    },
    takeOverdue() {
      const taken = overdue;
      overdue = [];
      return taken;
    },
  };
}

function toldOf({ workerId, isStraggler, slowdown, reason }: StragglerVerdict): RunEvent {
  return { type: 'straggler', workerId, isOne: isStraggler, slowdown, reason };
}
