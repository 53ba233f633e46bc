/** Looks for stragglers while a run trains, and says which of them are to be dropped. */
import type { RunEvent } from '../../run-events.ts';
import {
  advanceStragglers,
  compareCosts,
  forgetStraggler,
  formatTimes,
  noStragglers,
  type StragglerVerdict,
  slowSpans,
} from './stragglers.ts';

/**
 * @param dropAt the lasting slowdown from which a straggler is dropped; undefined where none is
 * @returns takes in what happens in the run, and says what follows from it
 */
export function watchStragglers(dropAt: number | undefined): (event: RunEvent) => readonly RunEvent[] {
  let state = noStragglers;
  let usdPerHour: ReadonlyMap<string, number | undefined> = new Map();

  function findOverdue({ workerId, isStraggler, lastingSlowdown = 0 }: StragglerVerdict): readonly RunEvent[] {
    if (dropAt === undefined || !isStraggler || lastingSlowdown < dropAt) return [];
    const costs = compareCosts(state.spans, workerId, usdPerHour);
    const reason =
      `in ${slowSpans} of the last ${state.spans.length} spans of 1 s or longer a sample took it at least ${formatTimes(lastingSlowdown)} times as long as the others ` +
      `(--drop-stragglers ${dropAt}x)${costs === undefined ? '' : `; ${costs}`}`;
    return [{ type: 'straggler-overdue', workerId, reason }];
  }

  return (event) => {
    switch (event.type) {
      case 'generation':
        usdPerHour = new Map(event.members.map(({ workerId, priceUsdPerHour }) => [workerId, priceUsdPerHour]));
        return [];
      case 'worker-lost':
      case 'worker-drained':
        state = forgetStraggler(state, event.workerId);
        return [];
      case 'step': {
        const { state: next, verdicts } = advanceStragglers(state, event);
        state = next;
        if (verdicts.length === 0) return [];
        return [
          {
            type: 'slowdowns',
            members: verdicts.map(({ workerId, slowdown, isStraggler }) => ({ workerId, slowdown, isStraggler })),
          },
          ...verdicts.filter(({ isNews }) => isNews).map(toldOf),
          ...verdicts.flatMap(findOverdue),
        ];
      }
      default:
        return [];
    }
  };
}

function toldOf({ workerId, isStraggler, slowdown, reason }: StragglerVerdict): RunEvent {
  return { type: 'straggler', workerId, isOne: isStraggler, slowdown, reason };
}
