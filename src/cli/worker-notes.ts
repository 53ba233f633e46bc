/** What a run prints of its workers: who joined, who trains and with what, who was lost. */
import type { MemberInfo, RunEvent, RunObserver } from '../coordinator/run-events.ts';
import { emulationNote } from '../economics/record/emulation-note.ts';
import type { RunPrinter } from './run-printer.ts';

/** Otherwise a stranger could fill the terminal. */
const shownRefusals = 20;

/**
 * @param expected how many workers will join
 * @param remote people start the workers, and want to see them arrive
 */
export function noteWorkers({ note, detail, warn }: RunPrinter, expected: number, remote: boolean): RunObserver {
  const arrival = remote ? note : detail;
  let [joined, refused] = [0, 0];
  return (event: RunEvent) => {
    switch (event.type) {
      case 'worker-joined':
        joined += 1;
        arrival(`worker ${event.workerId} joined from ${event.host}, pid ${event.pid}: ${joined} of ${expected}`);
        break;
      case 'worker-ready':
        arrival(`worker ${event.workerId} is ready: ${event.backend} (${event.device})`);
        break;
      case 'worker-refused':
        refused += 1;
        if (refused <= shownRefusals) warn(`refused worker ${event.workerId}: ${event.reason}`);
        break;
      case 'worker-lost':
        joined -= 1;
        arrival(`worker ${event.workerId} lost: ${event.reason}`);
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
