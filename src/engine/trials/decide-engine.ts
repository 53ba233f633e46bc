/** Which engine `auto` takes. */
import { formatCount, formatPercent } from '../../shared/core/number-format.ts';
import type { EngineName } from '../engine.ts';

/** An engine that works here and that `auto` may take. */
export interface Contender {
  readonly engine: EngineName;
  readonly device: string;
  /** What the device's name leaves out although speed depends on it, such as the names of its cards. */
  readonly hardware?: string | undefined;
  /** `auto` takes it only if a trial has found it faster than those that it takes by itself. */
  readonly onlyIfFaster?: true | undefined;
}

export interface TrialSpeed {
  /** From the median and from the fastest step: gradients and update. */
  readonly samplesPerSecond: number;
  readonly bestSamplesPerSecond: number;
  /** Processor time per time while it was measured; undefined where a GPU computes, for which a processor only waits. */
  readonly coresUsed?: number | undefined;
}

/** What the trial of one engine came to; `problem`: why there is no speed. */
export type TrialResult =
  | ({ readonly engine: EngineName } & TrialSpeed)
  | { readonly engine: EngineName; readonly problem: string };

/** What is known of the contenders' speed; `untried`: why nothing is. */
export type Trial = { readonly results: readonly TrialResult[] } | { readonly untried: string };

/** By how much an engine must be faster to be taken before one that is preferred: noise alone must not decide. */
export const requiredGain = 0.1;

/** Where most steps take so many times as long as the fastest, something else has the cores. */
const busyRatio = 1.5;
/** An engine that computes on the CPU never waits. Where it gets less than this of a core, something else has the rest. */
const leastCores = 0.8;

/** Whether all engines could be measured, on a machine that was quiet enough to compare them. */
export function isConclusive(results: readonly TrialResult[]): boolean {
  return results.every((result) => 'samplesPerSecond' in result) && !wasBusy(results);
}

function wasBusy(results: readonly TrialResult[]): boolean {
  return results.some((result) => {
    if ('problem' in result) return false;
    const { samplesPerSecond, bestSamplesPerSecond, coresUsed = 1 } = result;
    return coresUsed < leastCores || bestSamplesPerSecond > busyRatio * samplesPerSecond;
  });
}

export interface EngineDecision {
  readonly engine: EngineName;
  /** For display: `tensorflow: 7,859 samples/s in a trial, wasm 6,298 (TensorFlow 2.21.0, CPU)`. */
  readonly reason: string;
}

/**
 * Goes through the contenders in order of preference, those that are taken only if faster last. Another one is taken if it
 * is faster by the required gain than the one taken before. A preferred engine whose trial failed is taken all the same: a
 * GPU that does not work should end the run, and not go unused while it is paid for.
 * @param contenders at least one, in order of preference
 */
export function decideEngine(contenders: readonly Contender[], trial: Trial): EngineDecision {
  const inOrder = [
    ...contenders.filter(({ onlyIfFaster }) => onlyIfFaster !== true),
    ...contenders.filter(({ onlyIfFaster }) => onlyIfFaster === true),
  ];
  const [preferred, ...others] = inOrder;
  if (preferred === undefined) throw new Error('there is no engine to decide between');
  if (others.length === 0) return decided(preferred, 'the fastest engine that works here');
  const unknown = whyUnknown(trial);
  if (unknown !== undefined || 'untried' in trial) {
    return decided(preferred, `taken before ${others.map(({ engine }) => engine).join(' and ')}: ${unknown}`);
  }
  const resultOf = ({ engine }: Contender) => trial.results.find((result) => result.engine === engine);
  let taken = preferred;
  for (const other of others) {
    const [speed, toBeat] = [speedOf(resultOf(other)), speedOf(resultOf(taken))];
    if (speed !== undefined && toBeat !== undefined && speed > (1 + requiredGain) * toBeat) taken = other;
  }
  const speed = speedOf(resultOf(taken));
  const own =
    speed === undefined
      ? `preferred, although its trial failed (${problemOf(resultOf(taken))})`
      : `${formatCount(speed)} samples/s in a trial`;
  const rest = inOrder.filter((contender) => contender !== taken);
  return decided(taken, [own, ...rest.map((other) => describeOther(other.engine, resultOf(other), speed))].join(', '));
}

/** Why the contenders cannot be compared; undefined if they can. */
function whyUnknown(trial: Trial): string | undefined {
  if ('untried' in trial) return trial.untried;
  return wasBusy(trial.results) ? 'the machine was too busy to compare them' : undefined;
}

/** The fastest step counts: what else runs on the machine only makes steps slower. */
function speedOf(result: TrialResult | undefined): number | undefined {
  return result !== undefined && 'samplesPerSecond' in result ? result.bestSamplesPerSecond : undefined;
}

function problemOf(result: TrialResult | undefined): string {
  return result !== undefined && 'problem' in result ? result.problem : 'it was not tried';
}

function decided({ engine, device }: Contender, why: string): EngineDecision {
  return { engine, reason: `${engine}: ${why} (${device})` };
}

function describeOther(engine: EngineName, result: TrialResult | undefined, toBeat: number | undefined): string {
  const speed = speedOf(result);
  if (speed === undefined) return `${engine} failed (${problemOf(result)})`;
  const isClose = toBeat !== undefined && speed > toBeat;
  return `${engine} ${formatCount(speed)}${isClose ? `, which is not ${formatPercent(requiredGain, 0)} more` : ''}`;
}
