/** Adds up a run's events into the record that its summary is made from. */
import { addPhases, noPhaseSeconds } from '../shared/core/phases.ts';
import type { DatasetInfo } from '../shared/data/dataset.ts';
import type { EpochRecord, RunRecord, RunStatus, WorkerRecord } from '../shared/report/run-record.ts';
import type { MemberInfo, RunEvent } from './run-events.ts';

export interface RunRecorder {
  observe(event: RunEvent): void;
  /** What is known so far, as of a moment. */
  record(ending: {
    readonly status: RunStatus;
    readonly reason?: string;
    readonly replicasIdentical?: boolean;
    readonly unixMs: number;
  }): RunRecord;
}

export interface RecordedConfig {
  readonly runId: string;
  readonly version: string;
  readonly startedAtUnixMs: number;
  readonly dataset: DatasetInfo;
  readonly modelName: string;
  readonly globalBatchSize: number;
  readonly seed: number;
}

export function createRunRecorder(config: RecordedConfig): RunRecorder {
  let members: readonly MemberInfo[] = [];
  let parameters = 0;
  let [steps, samples, trainSeconds] = [0, 0, 0];
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
        case 'step':
          steps += 1;
          samples += event.samples;
          trainSeconds += event.seconds;
          for (const { rank, samples: share, phases } of event.members) {
            const before = workOf(rank);
            work.set(rank, { samples: before.samples + share, phases: addPhases(before.phases, phases) });
          }
          break;
        case 'epoch':
          epochs.push(event);
          break;
      }
    },
    record({ status, reason, replicasIdentical, unixMs }) {
      return {
        ...config,
        ...{ status, reason, replicasIdentical, steps, samples, trainSeconds },
        model: { name: config.modelName, parameters },
        epochs: [...epochs],
        workers: members.map((member) => ({
          ...member,
          ...workOf(member.rank),
          aliveSeconds: Math.max(0, unixMs - member.aliveSinceUnixMs) / 1000,
        })),
      };
    },
  };
}
