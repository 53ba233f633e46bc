/** Adds up a run's events into the record that its summary is made from. */
import type { Clock } from '../shared/core/clock.ts';
import { aliveSeconds } from '../shared/core/cost.ts';
import { addPhases, noPhaseSeconds } from '../shared/core/phases.ts';
import type { DatasetInfo } from '../shared/data/dataset.ts';
import type { EpochRecord, RunRecord, RunStatus, WorkerRecord } from '../shared/report/run-record.ts';
import type { MemberInfo, RunEvent } from './run-events.ts';

export interface RunRecorder {
  observe(event: RunEvent): void;
  /** What is known so far. */
  record(ending: {
    readonly status: RunStatus;
    readonly reason?: string;
    readonly replicas?: RunRecord['replicas'] | undefined;
  }): RunRecord;
}

export interface RecordedConfig {
  readonly runId: string;
  readonly version: string;
  /** When this process began. */
  readonly startedAtUnixMs: number;
  readonly dataset: DatasetInfo;
  readonly modelName: string;
  readonly globalBatchSize: number;
  readonly seed: number;
}

/** @param cpuSeconds CPU time that this process has used so far, of all its threads */
export function createRunRecorder(config: RecordedConfig, clock: Clock, cpuSeconds: () => number): RunRecorder {
  let members: readonly MemberInfo[] = [];
  let parameters = 0;
  let [steps, samples, trainSeconds] = [0, 0, 0];
  let [coordinatorCpuSeconds, cpuBefore] = [0, 0];
  let secondsToFirstStep: number | undefined;
  const epochs: EpochRecord[] = [];
  const work = new Map<number, Pick<WorkerRecord, 'samples' | 'phases'>>();
  const workOf = (rank: number) => work.get(rank) ?? { samples: 0, phases: noPhaseSeconds };

  return {
    observe(event) {
      switch (event.type) {
        case 'generation':
          members = event.members;
          parameters = event.parameterCount;
          break;
        case 'epoch-begun':
          cpuBefore = cpuSeconds();
          break;
        case 'step': {
          steps += 1;
          secondsToFirstStep ??= (clock.unixMs() - config.startedAtUnixMs) / 1000;
          const cpu = cpuSeconds();
          coordinatorCpuSeconds += cpu - cpuBefore;
          cpuBefore = cpu;
          samples += event.samples;
          trainSeconds += event.seconds;
          for (const { rank, samples: share, phases } of event.members) {
            const before = workOf(rank);
            work.set(rank, { samples: before.samples + share, phases: addPhases(before.phases, phases) });
          }
          break;
        }
        case 'epoch':
          epochs.push(event);
          break;
      }
    },
    record({ status, reason, replicas }) {
      const now = clock.unixMs();
      return {
        ...config,
        ...{ status, reason, replicas, steps, samples, trainSeconds },
        ...{ secondsToFirstStep, coordinatorCpuSeconds },
        model: { name: config.modelName, parameters },
        epochs: [...epochs],
        workers: members.map((member) => ({
          ...member,
          ...workOf(member.rank),
          aliveSeconds: aliveSeconds(member.aliveSinceUnixMs, now),
        })),
      };
    },
  };
}
