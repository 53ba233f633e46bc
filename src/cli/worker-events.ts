/** What `--json` prints of the workers of a run: an object a line, with steps that count committed ones. */
import type { MemberInfo, RunEvent } from '../coordinator/run-events.ts';
import { interruptionFields } from '../economics/record/interruption.ts';
import { snakeCased } from '../report/snake-case.ts';

/** @returns undefined for an event that says nothing of the workers */
export function describeForMachines(event: RunEvent): object | undefined {
  switch (event.type) {
    case 'worker-joined':
      return { event: 'worker_joined', worker_id: event.workerId, host: event.host, pid: event.pid };
    case 'worker-refused':
      return { event: 'worker_refused', worker_id: event.workerId, reason: event.reason };
    case 'worker-lost':
      return { event: 'worker_lost', worker_id: event.workerId, cause: event.cause, reason: event.reason };
    case 'worker-draining':
      return { event: 'worker_draining', worker_id: event.workerId, reason: event.reason };
    case 'worker-drained':
      return { event: 'worker_drained', worker_id: event.workerId, reason: event.reason, dropped: event.dropped };
    case 'worker-preempted':
      return { event: 'worker_preempted', worker_id: event.workerId, notice_seconds: event.seconds };
    case 'straggler': {
      const { workerId, isOne, slowdown, reason } = event;
      return { event: 'straggler', worker_id: workerId, is_straggler: isOne, slowdown, reason };
    }
    case 'straggler-kept':
      return { event: 'straggler_kept', worker_id: event.workerId, reason: event.reason };
    case 'generation':
      return {
        event: 'generation',
        generation: event.number,
        reason: event.reason,
        workers: event.members.map(describeMember),
      };
    case 'all-reduce':
      return {
        event: 'all_reduce',
        all_reduce: event.allReduce,
        reason: event.reason,
        link: event.link && snakeCased(event.link),
      };
    case 'waiting':
      return { event: 'waiting', reason: event.reason, seconds: event.seconds };
    case 'healed':
      return { event: 'healed', worker_id: event.workerId, step: event.step };
    case 'rolled-back':
      return { event: 'rolled_back', step: event.step, lost_steps: event.lostSteps };
    case 'went-on':
      return { event: 'went_on', step: event.step };
    case 'interruption':
      return { event: 'interruption', ...interruptionFields(event.interruption) };
    default:
      return undefined;
  }
}

function describeMember(member: MemberInfo): object {
  const { workerId, rank, host, pid, backend, device, gpu, emulatedSpeed, priceUsdPerHour } = member;
  return {
    worker_id: workerId,
    rank,
    host,
    pid,
    backend,
    device,
    gpu,
    emulated_speed: emulatedSpeed,
    price_usd_per_hour: priceUsdPerHour,
  };
}
