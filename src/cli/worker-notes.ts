/** What a run prints of its workers: who joined, who trains and with what, who was lost or spared. */
import type { MemberInfo, RunEvent, RunObserver } from '../coordinator/run-events.ts';
import { emulationNote } from '../economics/record/emulation-note.ts';
import { describeInterruption } from '../economics/record/interruption-text.ts';
import { formatSeconds } from '../shared/core/number-format.ts';
import { describeStandstill } from '../shared/core/standstill.ts';
import type { RunPrinter } from './run-printer.ts';

/** Otherwise a stranger could fill the terminal. */
const shownRefusals = 20;

/**
 * @param expected how many workers will join
 * @param remote people start the workers, and want to see them arrive
 */
export function noteWorkers({ note, detail, warn }: RunPrinter, expected: number, remote: boolean): RunObserver {
  const arrival = remote ? note : detail;
  const present = new Set<string>();
  /** Undefined before the first generation. */
  let members: ReadonlySet<string> | undefined;
  let refused = 0;
  return (event: RunEvent) => {
    switch (event.type) {
      case 'worker-joined':
        present.add(event.workerId);
        arrival(`worker ${event.workerId} joined from ${event.host}, pid ${event.pid}: ${present.size} of ${expected}`);
        break;
      case 'worker-ready':
        arrival(`worker ${event.workerId} is ready: ${event.backend} (${event.device})`);
        break;
      case 'worker-refused':
        refused += 1;
        if (refused <= shownRefusals) warn(`refused worker ${event.workerId}: ${event.reason}`);
        break;
      case 'worker-lost':
        present.delete(event.workerId);
        // Before training another may take its place unnoticed.
        if (members?.has(event.workerId)) warn(`lost worker ${event.workerId}: ${event.reason}`);
        else arrival(`worker ${event.workerId} lost: ${event.reason}`);
        break;
      case 'worker-draining':
        note(`worker ${event.workerId} leaves after the step in flight: ${event.reason}`);
        break;
      case 'worker-drained':
        present.delete(event.workerId);
        note(`worker ${event.workerId} has left: ${event.reason}`);
        break;
      case 'straggler':
        if (event.isOne) warn(`worker ${event.workerId} is a straggler: ${event.reason}`);
        else note(`worker ${event.workerId} is no straggler any more: ${event.reason}`);
        break;
      case 'straggler-kept':
        warn(`worker ${event.workerId} is not dropped: ${event.reason}`);
        break;
      case 'all-reduce':
        note(`all-reduce ${event.allReduce}: ${event.reason}`);
        break;
      case 'healed':
        warn(
          `worker ${event.workerId} held other parameters than the others before step ${event.step + 1}; it gets theirs`,
        );
        break;
      case 'worker-preempted':
        note(`worker ${event.workerId} is preempted, as simulated: it has ${formatSeconds(event.seconds)} to leave`);
        break;
      case 'interruption':
        detail(describeInterruption(event.interruption));
        break;
      case 'waiting':
        warn(`waiting up to ${Math.ceil(event.seconds)} s for workers: ${event.reason}`);
        break;
      case 'rolled-back':
        warn(
          `no worker is left that has the last ${event.lostSteps === 1 ? 'step' : `${event.lostSteps} steps`}; going on from the checkpoint at step ${event.step}`,
        );
        break;
      // Also of one that was refused after it had joined.
      case 'worker-ended':
        present.delete(event.workerId);
        break;
      case 'stood-still':
        warn(describeStandstill(event.seconds));
        break;
      case 'generation': {
        const known = members;
        members = new Set(event.members.map(({ workerId }) => workerId));
        if (known === undefined) {
          for (const line of [...event.members.map(describeMember), ...describeEngines(event.members)]) note(line);
          break;
        }
        for (const member of event.members) if (!known.has(member.workerId)) note(describeMember(member));
        note(`training goes on with ${[...members].join(', ')}: ${event.reason}`);
        break;
      }
    }
  };
}

function describeMember({ workerId, rank, host, pid, backend, device, emulatedSpeed }: MemberInfo): string {
  const emulation = emulatedSpeed === undefined ? '' : `, ${emulationNote(emulatedSpeed)}`;
  return `rank ${rank}: worker ${workerId}, pid ${pid} on ${host}, ${backend} (${device})${emulation}`;
}

/** Each engine once, with the reason why it was chosen. */
function describeEngines(members: readonly MemberInfo[]): readonly string[] {
  return [...new Set(members.map(({ backendReason }) => `engine ${backendReason}`))];
}
