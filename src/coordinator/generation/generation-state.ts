/**
 * What a generation knows of its members: which attempts and requests are under way, who has answered them, and what
 * each member is doing. A value, and the pure transitions that messages and orders make of it.
 */
import { noPhaseSeconds, spentBetween } from '../../shared/core/phases.ts';
import { putOff } from '../../shared/core/standstill.ts';
import type { Applied, Attempt, MessageOf, Usage, WorkerMessage } from '../../shared/protocol/messages.ts';
import type { Activity } from '../membership/liveness.ts';
import { checkFigures } from './figures-check.ts';
import { type Refusal, stale, wrong } from './refusal.ts';

export type Vote = MessageOf<WorkerMessage, 'vote'>;
/** What a member sends in answer to a request. */
export type Answer = MessageOf<WorkerMessage, 'evaluated' | 'state' | 'predicted' | 'restored' | 'linked' | 'measured'>;

export interface MemberState {
  readonly activity: Activity;
  /** When it began, in seconds of the run's clock. */
  readonly since: number;
  /** Totals in its last report, when that arrived, and the totals already passed on. */
  readonly usage: Usage;
  readonly usageAt: number;
  readonly told: Usage;
  /** What its replica has applied or taken over; undefined where it is as it was made. */
  readonly applied: Applied | undefined;
  /** The state that it was sent to take over; undefined once it has said whether it did. */
  readonly offered: Applied | undefined;
  /** How far it may have come by itself, where steps are not committed; undefined once it has said how far it is. */
  readonly ahead: Applied | undefined;
  /**
   * What it had before the last step, which it may not have been able to apply: where steps are not committed, all have voted
   * for it, but the gradient of one that is lost may not have reached this one. Undefined where it surely has the step.
   */
  readonly behind: { readonly applied: Applied | undefined } | undefined;
}

/** What is known of a member from the generation before. */
export type CarriedMember = Omit<MemberState, 'activity' | 'since'>;

export interface AttemptState {
  readonly step: number;
  readonly attempt: number;
  /** Samples, by rank. */
  readonly shares: readonly number[];
  /** By rank: the totals that it had used when it voted; undefined where it has not. */
  readonly votes: readonly (Usage | undefined)[];
}

export interface OpenRequest {
  /** The type that answers it. */
  readonly answer: Answer['type'];
  /** The ranks that have not answered. */
  readonly missing: readonly number[];
}

export interface GenerationState {
  readonly number: number;
  /** By rank. */
  readonly members: readonly MemberState[];
  /** Attempts under way, in the order of their steps. One attempt a step at a time. */
  readonly attempts: readonly AttemptState[];
  /** Steps before this one have been assigned. */
  readonly assignedSteps: number;
  /** Requests under way, by number. */
  readonly requests: ReadonlyMap<number, OpenRequest>;
  /** Number of requests opened so far, in all generations: answers to those of another one are stale. */
  readonly requestCount: number;
  /** Whether a member was lost. */
  readonly isAborted: boolean;
}

/** The new state; or the reason why the message does not belong here, and everything stays as it was. */
export type Accepted = { readonly state: GenerationState } | { readonly refusal: Refusal };

const nothingUsed: Usage = {
  seconds: { ...noPhaseSeconds, evaluate: 0, idle: 0 },
  bytes: { sent: 0, received: 0 },
};

/** What is known of a worker that was no member of the generation before. @param kept what it says of itself, if anything */
export function keptBy(kept: MessageOf<WorkerMessage, 'ready'>['kept'], now: number): CarriedMember {
  const { usage = nothingUsed, applied } = kept ?? {};
  return { usage, usageAt: now, told: usage, applied, offered: undefined, ahead: undefined, behind: undefined };
}

/**
 * @param members by rank: what is known of each, undefined for newcomers
 * @param requestCount requests of the generations before
 */
export function beginGenerationState(
  number: number,
  members: readonly (CarriedMember | undefined)[],
  now: number,
  requestCount = 0,
): GenerationState {
  const newcomer = keptBy(undefined, now);
  return {
    number,
    members: members.map((known = newcomer) => ({ ...known, activity: 'idle', since: now })),
    attempts: [],
    assignedSteps: 0,
    requests: new Map(),
    requestCount,
    isAborted: false,
  };
}

/**
 * A step is assigned to all ranks: those that were idle begin to compute.
 * @param shares samples, by rank
 * @param commits whether ranks apply it when it is committed; otherwise as soon as all have done their part
 */
export function assignStep(
  state: GenerationState,
  { step, attempt }: Attempt,
  shares: readonly number[],
  commits: boolean,
  now: number,
): GenerationState {
  const begun = { step, attempt, shares, votes: shares.map(() => undefined) };
  const ahead = { step: step + 1, generation: state.number };
  return {
    number: state.number,
    attempts: [
      ...state.attempts.filter((other) => other.step < step),
      begun,
      ...state.attempts.filter((other) => other.step > step),
    ],
    assignedSteps: Math.max(state.assignedSteps, step + 1),
    requests: state.requests,
    requestCount: state.requestCount,
    isAborted: state.isAborted,
    members: state.members.map((member) => {
      const isIdle = member.activity === 'idle';
      return {
        activity: isIdle ? 'compute' : member.activity,
        since: isIdle ? now : member.since,
        usage: member.usage,
        usageAt: member.usageAt,
        told: member.told,
        applied: member.applied,
        offered: member.offered,
        ahead: commits ? member.ahead : ahead,
        behind: member.behind,
      };
    }),
  };
}

/** The step is applied: ranks go on with the next one, if that is assigned already. */
export function commitStep(state: GenerationState, step: number, now: number): GenerationState {
  const attempts = state.attempts.filter((other) => other.step !== step);
  const [next] = attempts;
  const applied = { step: step + 1, generation: state.number };
  const members = state.members.map((member, rank): MemberState => {
    const isSure = member.ahead === undefined || state.members.length === 1;
    return {
      activity: next === undefined ? 'idle' : next.votes[rank] !== undefined ? 'wait' : 'compute',
      since: now,
      usage: member.usage,
      usageAt: member.usageAt,
      told: member.told,
      applied,
      offered: member.offered,
      ahead: member.ahead,
      behind: isSure ? undefined : { applied: member.applied },
    };
  });
  return withMembers(state, attempts, members);
}

/** The attempt at a step, if one is under way. */
export function attemptAt({ attempts }: Pick<GenerationState, 'attempts'>, step: number): AttemptState | undefined {
  return attempts.find((one) => one.step === step);
}

/** Whether a member may have another state than this process takes it to have: only its answer tells. */
export function mayDiffer({ members }: GenerationState): boolean {
  return members.some(
    ({ applied, ahead, behind }) => behind !== undefined || (ahead !== undefined && ahead.step > (applied?.step ?? 0)),
  );
}

/**
 * A member is lost: what is under way comes to nothing. Messages about it may be on their way, and are stale. Steps that
 * were assigned may be assigned again, by the next generation.
 */
export function abortAll(state: GenerationState): GenerationState {
  return { ...state, attempts: [], requests: new Map(), isAborted: true };
}

/** What is under way is over for all members: nobody's part of it is waited for. */
export function restAll(state: GenerationState, now: number): GenerationState {
  return { ...state, members: state.members.map((member) => begin(member, 'idle', now)) };
}

/** The rank is sent a state. */
export function offerState(state: GenerationState, rank: number, offered: Applied): GenerationState {
  return changeMember(state, rank, (member) => ({ ...member, offered }));
}

/** The rank says that it has taken over what it was sent. */
export function takeOver(state: GenerationState, rank: number): GenerationState {
  return changeMember(state, rank, (member) => ({
    ...member,
    applied: member.offered,
    offered: undefined,
    ahead: undefined,
    behind: undefined,
  }));
}

/** The rank says what its replica has. */
export function learnApplied(state: GenerationState, rank: number, applied: Applied | undefined): GenerationState {
  return changeMember(state, rank, (member) => ({
    ...member,
    applied,
    offered: undefined,
    ahead: undefined,
    behind: undefined,
  }));
}

/**
 * The attempt that a message is about, or why the message is refused. What is over is stale; nobody can know of what has
 * not begun.
 * @param what it is, as in 'a vote'
 */
export function findAttempt(
  state: GenerationState,
  { generation, step, attempt }: Attempt,
  what: string,
): { readonly current: AttemptState } | { readonly refusal: Refusal } {
  const refuse = (isOver: boolean, problem: string) => ({
    refusal: isOver ? stale(`${what} for ${problem}`) : wrong(what, `it is for ${problem}`),
  });
  if (generation !== state.number) {
    return refuse(generation < state.number, `generation ${generation}, this is ${state.number}`);
  }
  const current = attemptAt(state, step);
  if (current === undefined) return refuse(step < state.assignedSteps, `step ${step + 1}, which is not under way`);
  if (attempt === current.attempt) return { current };
  return refuse(attempt < current.attempt, `attempt ${attempt} of step ${step + 1}, which is at ${current.attempt}`);
}

/** A rank has handed over some of its gradient. The deadline is that of the whole step: it goes on running. */
export function noteContribution(state: GenerationState, rank: number): GenerationState {
  if (state.members[rank]?.activity !== 'compute') return state;
  return changeMember(state, rank, (member) => ({ ...member, activity: 'communicate' }));
}

/** What must be true of a rank's vote, beside its share of the step. */
export interface VoteTerms {
  /** Why a vote that is not finite is refused; undefined where it is finite, and where such a step is skipped. */
  readonly nonFinite: Refusal | undefined;
  /** Buckets of the rank's gradient that have not come: it votes after the last of them. */
  readonly missingBuckets: number;
  /** Whether the replicas are compared at this step. */
  readonly isCompared: boolean;
  /** Whether the rank may know the norm of a gradient that no hub has seen. */
  readonly mayKnowNorm: boolean;
  /** Whether the rank is the one to say that its gradient is not finite. */
  readonly mayBeNonFinite: boolean;
}

export function acceptVote(state: GenerationState, rank: number, vote: Vote, terms: VoteTerms, now: number): Accepted {
  const found = findAttempt(state, vote, 'a vote');
  if ('refusal' in found) return found;
  const { current } = found;
  const problem = checkVote(current, rank, vote, terms);
  if (problem !== undefined) return { refusal: problem };
  const usage = neverLess(state.members[rank]?.usage ?? nothingUsed, vote.usage);
  const { step, attempt, shares } = current;
  const voted = { step, attempt, shares, votes: current.votes.with(rank, usage) };
  const attempts = state.attempts.with(state.attempts.indexOf(current), voted);
  // It has done its part of the step that is to be committed next. The deadline is that of the whole step.
  const hasDoneItsPart = attempts[0]?.votes[rank] !== undefined;
  const members = state.members.map((member, other): MemberState => {
    if (other !== rank) return member;
    const isInStep = member.activity === 'compute' || member.activity === 'communicate';
    return {
      activity: isInStep && hasDoneItsPart ? 'wait' : member.activity,
      since: member.since,
      usage,
      usageAt: now,
      told: member.told,
      applied: member.applied,
      offered: member.offered,
      ahead: member.ahead,
      behind: member.behind,
    };
  });
  return { state: withMembers(state, attempts, members) };
}

/** Written out, as members are where a step changes them: a spread takes several times as long. */
function withMembers(
  state: GenerationState,
  attempts: GenerationState['attempts'],
  members: GenerationState['members'],
): GenerationState {
  return {
    number: state.number,
    members,
    attempts,
    assignedSteps: state.assignedSteps,
    requests: state.requests,
    requestCount: state.requestCount,
    isAborted: state.isAborted,
  };
}

function checkVote(
  { shares, votes }: AttemptState,
  rank: number,
  vote: Vote,
  { nonFinite, missingBuckets, isCompared, mayKnowNorm, mayBeNonFinite }: VoteTerms,
): Refusal | undefined {
  const { step, parametersChecksum, gradientNorm } = vote;
  const what = `a wrong vote for step ${step + 1}`;
  if (votes[rank] !== undefined) return wrong(what, 'it must be one, got a second');
  const figures = Number.isFinite(vote.lossSum) ? vote : { ...vote, lossSum: 0 };
  const problem = checkFigures(figures, shares[rank] ?? 0, what, `at step ${step + 1}`);
  if (problem !== undefined) return problem;
  if (gradientNorm !== undefined && !mayKnowNorm)
    return wrong(what, `gradientNorm must be left out, got ${gradientNorm}`);
  if (vote.nonFinite !== undefined && !mayBeNonFinite) return wrong(what, 'nonFinite must be left out');
  if (nonFinite !== undefined) return nonFinite;
  if ((parametersChecksum !== undefined) !== isCompared) {
    return wrong(
      what,
      `parametersChecksum must be ${isCompared ? 'there, got none' : `left out, got ${parametersChecksum}`}`,
    );
  }
  if (missingBuckets > 0)
    return wrong(
      what,
      `all of its gradient must be here before, ${missingBuckets === 1 ? 'a bucket is' : `${missingBuckets} buckets are`} not`,
    );
  return undefined;
}

/**
 * Opens a request to some ranks, which are busy until they answer. After an abort, who still owes the answer to a request of
 * the same kind keeps the deadline of that one, so that asking again and again ends.
 * @returns the new state and the request's number
 */
export function openRequest(
  state: GenerationState,
  answer: Answer['type'],
  ranks: readonly number[],
  activity: Activity,
  now: number,
): { readonly state: GenerationState; readonly request: number } {
  const request = state.requestCount + 1;
  const asked = new Set(ranks);
  const owes = (member: MemberState) => state.isAborted && member.activity === activity;
  return {
    request,
    state: {
      ...state,
      requestCount: request,
      requests: new Map(state.requests).set(request, { answer, missing: ranks }),
      members: state.members.map((member, rank) =>
        asked.has(rank) && !owes(member) ? begin(member, activity, now) : member,
      ),
    },
  };
}

/**
 * The request that a rank's message belongs to, or why the message is refused.
 * @param answer what ends the request for this rank
 */
export function findRequest(
  state: GenerationState,
  rank: number,
  { request, type }: { readonly request: number; readonly type: string },
  answer: Answer['type'],
): { readonly open: OpenRequest } | { readonly refusal: Refusal } {
  const open = state.requests.get(request);
  const what = `'${type}' to request ${request}`;
  if (open === undefined) {
    const isOver = request > 0 && request <= state.requestCount;
    return { refusal: isOver ? stale(`${what}, which is answered`) : wrong(what, 'there is no such request') };
  }
  if (open.answer !== answer) return { refusal: wrong(what, `the answer must be '${open.answer}'`) };
  if (!open.missing.includes(rank)) return { refusal: wrong(what, 'no answer of this rank is waited for') };
  return { open };
}

/** Part of a state has come from a rank, or went to it: what it does now has its own deadline. */
export function noteTransfer(state: GenerationState, rank: number, activity: Activity, now: number): GenerationState {
  return changeMember(state, rank, (member) => begin(member, activity, now));
}

export function acceptAnswer(state: GenerationState, rank: number, message: Answer, now: number): Accepted {
  const { request, type, usage } = message;
  const found = findRequest(state, rank, message, type);
  if ('refusal' in found) return found;
  const { open } = found;
  const missing = open.missing.filter((other) => other !== rank);
  const requests = new Map(state.requests);
  if (missing.length === 0) requests.delete(request);
  else requests.set(request, { answer: type, missing });
  // With the next request the member begins now: requests are asked for ahead, and answered one after the other.
  const isAsked = [...requests.values()].some(({ missing: others }) => others.includes(rank));
  return {
    state: changeMember({ ...state, requests }, rank, (member) =>
      begin(report(member, usage, now), isAsked ? member.activity : 'idle', now),
    ),
  };
}

/** The coordinator did not listen for so many seconds: nobody's time ran. */
export function putOffMembers(state: GenerationState, seconds: number, now: number): GenerationState {
  const members = state.members.map((member) => ({ ...member, since: putOff(member.since, seconds, now) }));
  return { ...state, members };
}

/** What a member used since it was last told. */
export interface Told {
  readonly rank: number;
  /** When it had used that, by the run's clock, as far as can be told. */
  readonly at: number;
  readonly seconds: Usage['seconds'];
  readonly bytes: Usage['bytes'];
}

/**
 * What members have reported since this was last asked. Members without a new report are left out.
 * @param step only what they had used when they voted for it
 */
export function takeUsage(
  state: GenerationState,
  step?: number,
): { readonly state: GenerationState; readonly told: readonly Told[] } {
  const votes = step === undefined ? undefined : attemptAt(state, step)?.votes;
  const told: Told[] = [];
  const members = state.members.map((member, rank): MemberState => {
    const { usageAt, told: before } = member;
    const usage = votes?.[rank] ?? member.usage;
    if (usage === before) return member;
    const seconds = spentBetween(before.seconds, usage.seconds);
    const bytes = {
      sent: usage.bytes.sent - before.bytes.sent,
      received: usage.bytes.received - before.bytes.received,
    };
    // It may have told more since, and later: what it used meanwhile took as long.
    const at = usageAt - (totalOf(member.usage.seconds) - totalOf(usage.seconds));
    told.push({ rank, at, seconds, bytes });
    return {
      activity: member.activity,
      since: member.since,
      usage: member.usage,
      usageAt,
      told: usage,
      applied: member.applied,
      offered: member.offered,
      ahead: member.ahead,
      behind: member.behind,
    };
  });
  return { state: withMembers(state, state.attempts, members), told };
}

/**
 * What a step took by the ranks' own clocks: from the vote before, the longest counts. Where ranks go through steps without the
 * coordinator, it hears of several at a time, and its own clock does not tell.
 * @param step the next to be committed, for which all have voted
 */
export function ownSeconds(state: GenerationState, step: number): number {
  const votes = attemptAt(state, step)?.votes;
  const times = state.members.map(
    ({ told, usage }, rank) => totalOf((votes?.[rank] ?? usage).seconds) - totalOf(told.seconds),
  );
  return times.reduce((longest, time) => Math.max(longest, time), 0);
}

function totalOf({ load, compute, communicate, wait, apply, evaluate, idle }: Usage['seconds']): number {
  return load + compute + communicate + wait + apply + evaluate + idle;
}

function begin(member: MemberState, activity: Activity, now: number): MemberState {
  return { ...member, activity, since: now };
}

function report(member: MemberState, usage: Usage, now: number): MemberState {
  return { ...member, usage: neverLess(member.usage, usage), usageAt: now };
}

/** Totals do not fall, whatever a member says: the counters that are told the growth could not take anything back. */
function neverLess(before: Usage, after: Usage): Usage {
  const [then, now] = [before.seconds, after.seconds];
  return {
    seconds: {
      load: Math.max(then.load, now.load),
      compute: Math.max(then.compute, now.compute),
      communicate: Math.max(then.communicate, now.communicate),
      wait: Math.max(then.wait, now.wait),
      apply: Math.max(then.apply, now.apply),
      evaluate: Math.max(then.evaluate, now.evaluate),
      idle: Math.max(then.idle, now.idle),
    },
    bytes: {
      sent: Math.max(before.bytes.sent, after.bytes.sent),
      received: Math.max(before.bytes.received, after.bytes.received),
    },
  };
}

function changeMember(
  state: GenerationState,
  rank: number,
  change: (member: MemberState) => MemberState,
): GenerationState {
  const member = state.members[rank];
  return member === undefined ? state : { ...state, members: state.members.with(rank, change(member)) };
}
