/** What a run prints of its workers: who joined, who trains and with what, who was lost or spared. */
import type { MemberInfo, RunEvent, RunObserver } from '../coordinator/run-events.ts';
import { emulationNote } from '../economics/record/emulation-note.ts';
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
        arrival(`worker ${event.workerId} lost: ${event.reason}`);
        break;
      // Also of one that was refused after it had joined.
      case 'worker-ended':
        present.delete(event.workerId);
        break;
      case 'stood-still':
        warn(describeStandstill(event.seconds));
        break;
      case 'generation':
        for (const line of [...event.members.map(describeMember), ...describeEngines(event.members)]) note(line);
        break;
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
