/** A generation that answers as a script says, at once, and keeps a log of what it was asked. */
import type { AllReduceChoice } from '../../../../src/coordinator/generation/all-reduce-choice.ts';
import type { Generation } from '../../../../src/coordinator/generation/generation.ts';
import type { Vote } from '../../../../src/coordinator/generation/generation-state.ts';
import type { Answered, Extent } from '../../../../src/coordinator/generation/requests.ts';
import type { Member } from '../../../../src/coordinator/membership/worker.ts';
import type { MemberSpent } from '../../../../src/coordinator/run-events.ts';
import { PennygradError } from '../../../../src/shared/core/errors.ts';
import { weightedShares } from '../../../../src/shared/core/sampling.ts';
import type { Applied } from '../../../../src/shared/protocol/messages.ts';
import { nothingUsed } from '../../../support/nothing-used.ts';
import { createVirtualTime, type VirtualTime } from '../../../support/virtual-time.ts';
import { memberOf, vote } from '../generation/members.ts';

export interface Script {
  /** 1 unless a test says otherwise. */
  readonly number?: number;
  readonly members?: readonly Member[];
  /** Steps that each rank's replica has seen at the beginning; none unless a test says otherwise. */
  readonly applied?: readonly (number | undefined)[];
  /** What a rank votes for a step. */
  readonly vote?: (rank: number, step: number) => Partial<Vote>;
  /** What members have used when this is asked; a second of computing each unless a test says otherwise. */
  readonly spent?: (step: number) => readonly MemberSpent[];
  /** What is not finite of a step; nothing unless a test says otherwise. */
  readonly nonFinite?: (step: number) => string | undefined;
  /** Set where ranks go on by themselves: what a step took by their clocks. */
  readonly ownSeconds?: (step: number) => number;
  /** Whether all have voted for a step already when the one before it is committed. */
  readonly isVoted?: (step: number) => boolean;
  /** How gradients are summed, and why so; the star, without a choice, unless a test says otherwise. */
  readonly allReduce?: AllReduceChoice;
  /** Each step takes so long. */
  readonly stepMs?: number;
  /** By rank. Replicas are at the states that these tell of, if they do. */
  readonly answers?: readonly Answered<'state'>[];
  /** Called before the members say what their replicas are. */
  readonly onReport?: () => void;
  /** The ranks that are left after a loss; one list more for each that is lost while the others are asked. */
  readonly left?: readonly (readonly number[])[];
  /** What comes of each question to those that are left, if not an answer. */
  readonly failsWhenLeft?: Error;
  /** Whether those that are left may be further than the coordinator knows. */
  readonly mayDiffer?: boolean;
  /** Of each test image, half a nat unless a test says otherwise. */
  readonly testLoss?: number;
  /** Whether gradients travel compressed; not unless a test says otherwise. */
  readonly keepsResiduals?: boolean;
  /** Called before a part of a test pass is answered. */
  readonly onEvaluate?: (from: number) => void;
}

export interface ScriptedGeneration {
  readonly generation: Generation;
  readonly log: string[];
  readonly time: VirtualTime;
}

/** What a member has used: `compute` seconds of computing, one of loading, a half of applying. */
export function spentBy(rank: number, compute = 1): MemberSpent {
  const seconds = { ...nothingUsed.seconds, load: 1, compute, apply: 0.5 };
  return { workerId: `w${rank}`, at: 100, seconds, bytes: { sent: 4, received: 4 } };
}

/** A rank's state of three parameters, with two slots. */
export function stateOf(checksum: number, parameters = [3, 4, 12]): Answered<'state'> {
  const state = { topology: { layers: 1 }, weightSpecs: [], optimizerIterations: 7 };
  return {
    message: {
      v: 8,
      run: 'r',
      type: 'state',
      request: 1,
      usage: nothingUsed,
      parametersChecksum: checksum,
      state,
    },
    tensors: [parameters, [1, 1, 1], [2, 2, 2]].map((values) => Float32Array.from(values)),
  };
}

/** @param shared the time and the log of a generation before, to go on with */
export function scriptGeneration(
  {
    number = 1,
    members = [memberOf(0), memberOf(1)],
    applied: before = members.map(() => undefined),
    vote: voteOf = () => ({}),
    spent = () => members.map(({ rank }) => spentBy(rank)),
    nonFinite = () => undefined,
    ownSeconds,
    isVoted = () => false,
    allReduce = { allReduce: 'star', reason: undefined },
    stepMs = 1000,
    answers = members.map(() => stateOf(1)),
    onReport = () => {},
    left = [members.map(({ rank }) => rank)],
    failsWhenLeft,
    mayDiffer = false,
    testLoss = 0.5,
    keepsResiduals = false,
    onEvaluate = () => {},
  }: Script = {},
  { time, log }: Pick<ScriptedGeneration, 'time' | 'log'> = { time: createVirtualTime(), log: [] },
): ScriptedGeneration {
  let voted = -1;
  const applied: (Applied | undefined)[] = before.map((step) =>
    step === undefined ? undefined : { step, generation: 1 },
  );
  let losses = 0;
  const isLeft = ({ rank }: Member) => left[losses]?.includes(rank) === true;
  const holders = (step: number) => members.filter((one) => isLeft(one) && (applied[one.rank]?.step ?? 0) === step);
  /** What members answer, who are then at the states of which they tell. */
  function report(asked: readonly Member[], extentOf: (place: number) => Extent) {
    log.push(`report-state ${asked.map((_, place) => extentOf(place)).join()}`);
    return asked.map(({ rank }) => {
      const answer = answers[rank] ?? stateOf(1);
      if (answer.message.applied !== undefined) applied[rank] = answer.message.applied;
      return answer;
    });
  }
  const generation: Generation = {
    number,
    members,
    parameterCount: 3,
    keepsResiduals,
    microShard: undefined,
    chooseAllReduce: async () => allReduce,
    assign(step, epoch, batch, weights) {
      log.push(`assign ${step} of epoch ${epoch}: ${batch.from}..${batch.to} by ${weights.join('/')}`);
      return weightedShares(batch, weights);
    },
    async votes(step) {
      log.push(`votes ${step}`);
      voted = step;
      time.advance(stepMs);
      return members.map(({ rank }): Vote => ({ v: 8, run: 'r', ...vote(step), ...voteOf(rank, step) }));
    },
    isVoted,
    gradientNorm: (step) => (step % 2 === 0 ? 20 : undefined),
    nonFinite,
    commit(step, skipped = false) {
      log.push(`commit ${step}${skipped ? ', skipped' : ''}`);
      applied.fill({ step: step + 1, generation: number });
    },
    takeSpent: () => spent(voted),
    ownSeconds: (step) => ownSeconds?.(step),
    runsAhead: () => ownSeconds !== undefined,
    mayDiffer: () => mayDiffer,
    async evaluate(split, { from, to }, weights) {
      log.push(`evaluate ${split} ${from}..${to} by ${weights.join('/')}`);
      time.advance(500);
      onEvaluate(from);
      return { lossSum: (to - from) * testLoss, correct: ((to - from) * 3) / 4 };
    },
    async reportState(extentOf) {
      onReport();
      return report(members, extentOf);
    },
    async restore({ parameters }, state, receivers) {
      const { step } = state;
      log.push(`restore ${parameters.join()} of step ${step} to ${receivers.map(({ rank }) => rank).join()}`);
      for (const { rank } of receivers) applied[rank] = state;
    },
    async copy(donor, state, receivers) {
      const { step } = state;
      log.push(`copy step ${step} from ${donor.rank} to ${receivers.map(({ rank }) => rank).join()}`);
      for (const { rank } of receivers) applied[rank] = state;
    },
    async predict(count) {
      log.push(`predict ${count}`);
      return new Float32Array(count);
    },
    lose: () => {},
    lostCount: () => members.length - (left[losses]?.length ?? 0),
    holders,
    abort(step) {
      const asked = step === undefined ? members.filter(isLeft) : holders(step);
      return {
        members: asked,
        parameterCount: 3,
        keepsResiduals,
        takeSpent: generation.takeSpent,
        async reportState(extentOf) {
          const answered = report(asked, extentOf);
          if (failsWhenLeft !== undefined) throw failsWhenLeft;
          if (losses === left.length - 1) return answered;
          losses += 1;
          throw new PennygradError('quorum-lost', 'one more member was lost');
        },
      };
    },
    applied: () => [...applied],
    isAsMade: () => applied.every((seen) => seen === undefined),
    carry: () => ({ members: new Map(), requestCount: 0 }),
    activities: () => new Map(),
    putOff() {},
    accept: () => undefined,
  };
  return { generation, log, time };
}
