/**
 * Many members in one process, each with a connection of its own:
 * `members-process.js ENDPOINT FIRST COUNT STEPS-A-SECOND`. Ends when the run has told all of them to leave.
 */
import { deadlinesFrom } from '../../shared/core/deadlines.ts';
import { systemTimers } from '../../shared/core/timers.ts';
import { pennygradVersion } from '../../shared/core/version.ts';
import { laterMs } from '../../shared/transport/outboxes.ts';
import { connectWorkerSocket } from '../../shared/transport/worker-socket.ts';
import { createMember, type Member } from './member.ts';

/** They wait for as long as the coordinator lives. */
const patienceMs = 10 * 60_000;

const [connect = '', first = '0', count = '1', rate = '0'] = process.argv.slice(2);
const stepsPerSecond = Number(rate);
const now = () => performance.now() / 1000;

const members = Array.from({ length: Number(count) }, (_, i) => openMember(`m${Number(first) + i}`));

function openMember(workerId: string): { readonly member: Member; beat(): void; close(): void } {
  let isWelcome = false;
  const socket = connectWorkerSocket({
    connect,
    family: 4,
    timers: systemTimers,
    stalledMs: () => patienceMs,
    onUnreachable: end,
    onDisconnect: end,
  });
  const member = createMember({
    workerId,
    version: pennygradVersion,
    mail: socket,
    now,
    laterMs,
    isPaced: stepsPerSecond > 0,
  });
  async function listen(): Promise<void> {
    for await (const decoded of socket.receive()) {
      if (!decoded.ok) throw new Error(`${workerId} was sent what it cannot read: ${decoded.detail}`);
      const { message } = decoded;
      if (message.type === 'welcome') {
        isWelcome = true;
        socket.joinRun(message.run);
      }
      member.receive(message);
      if (member.isOver()) return end();
    }
  }
  listen().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
  member.hello();
  return {
    member,
    beat() {
      if (isWelcome) socket.send({ type: 'heartbeat' });
    },
    close: socket.close,
  };
}

/** One is enough: a run ends for all of its members. */
function end(): void {
  for (const { close } of members) close();
  process.exit(0);
}

systemTimers.every(deadlinesFrom(30).heartbeatMs, () => {
  for (const { beat } of members) beat();
});
if (stepsPerSecond > 0) {
  let done = 0;
  const began = now();
  // A timer that is late makes up for it.
  systemTimers.every(1, () => {
    for (; done < (now() - began) * stepsPerSecond; done++) for (const { member } of members) member.step();
  });
}
