/**
 * What must hold of every run, whatever befalls it. Each invariant is checked from what was seen outside the code that is
 * tested: the events, the updates of the replicas, and a plain loop.
 */
import type { LedgerEntry, RunEvent } from '../../../src/coordinator/run-events.ts';
import { parameterChecksum } from '../../../src/shared/model/parameter-checksum.ts';
import { mostAssignedAhead } from '../../../src/shared/protocol/limits.ts';
import type { PlainRun } from './plain-loop.ts';
import { timeoutSeconds } from './schedule.ts';
import type { Seen } from './simulate.ts';
import type { Life } from './worker-life.ts';

type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

/** Sums of other shares differ in their last bits. */
const tolerance = 1e-5;
/**
 * What compression keeps back moves parameters less than this, even where it is lost with some workers; a part of a step that
 * is missing or counted twice, further.
 */
const keptTolerance = 0.02;
const toleranceOf = ({ schedule }: Seen) => (schedule.compression === undefined ? tolerance : keptTolerance);
/** Seconds of the ledger add up from thousands of differences. */
const ledgerTolerance = 1e-6;
/** Times on record are in whole milliseconds. */
const recordTolerance = 0.0011;

/** By name, in the words of a failure. */
export const invariants: Readonly<Record<string, (seen: Seen, plain: PlainRun) => readonly string[]>> = {
  'a run ends': ({ end }) => (end === undefined ? ['it did not end'] : []),
  'every process ends': ({ lives }) => lives.flatMap((life) => (life.outcome === undefined ? life.workerId : [])),
  'no timer outlives the coordinator': ({ timersLeft }) => (timersLeft === 0 ? [] : [`${timersLeft} timers`]),
  'generations are numbered one after another, and have MIN to MAX workers': findBadGenerations,
  '--on-loss fail ends a run with the first member that is lost': findOutlivedLoss,
  'steps are committed in order, once, and again only after going back': findDisorder,
  'nothing that a member has is trained again': ({ forgotten }) => forgotten,
  'the shares of a step cover its batch exactly': findUncovered,
  'a replica applies each step once, in order': findGaps,
  'where steps are committed, nobody applies one before it is on record': findEarly,
  'replicas of a generation are equal bit for bit': findUnequal,
  'every replica has the parameters of a plain loop': findStrayed,
  'every checkpoint has the parameters of a plain loop': findStrayedCheckpoints,
  'losses are those of a plain loop': findWrongLosses,
  'a run that completes has every step, and the last checkpoint has them': findIncomplete,
  'a run that fails lacks workers and says so': findBadFailure,
  'a run that fails saves what a survivor has': findUnsaved,
  'nothing is lost with workers that were told to leave': findLostByDrain,
  'a worker that was told to leave trains no step but those that it has': findHeldBack,
  'the ledger has the seconds of every life': findUnbooked,
  'the ledger has the samples of the committed steps': findUncountedSamples,
};

/** @returns each invariant that does not hold, and why */
export function violations(seen: Seen, plain: PlainRun): readonly string[] {
  return Object.entries(invariants).flatMap(([name, find]) => find(seen, plain).map((why) => `${name}: ${why}`));
}

function eventsOf<Type extends RunEvent['type']>({ events }: Seen, type: Type): readonly EventOf<Type>[] {
  return events.map(({ event }) => event).filter((event): event is EventOf<Type> => event.type === type);
}

function findBadGenerations(seen: Seen): readonly string[] {
  const { min, max } = seen.schedule;
  return eventsOf(seen, 'generation').flatMap(({ number, members }, index) => {
    const names = new Set(members.map(({ workerId }) => workerId));
    const isRanked = members.every(({ rank }, place) => rank === place) && names.size === members.length;
    const fits = members.length >= min && members.length <= max;
    return number === index + 1 && fits && isRanked ? [] : [`generation ${number} has ${[...names].join()}`];
  });
}

function findOutlivedLoss({ schedule, events }: Seen): readonly string[] {
  if (schedule.onLoss !== 'fail') return [];
  let members: readonly string[] = [];
  let lost: string | undefined;
  const problems: string[] = [];
  for (const { event } of events) {
    if (event.type === 'resumed') [members, lost] = [[], undefined];
    if (event.type === 'generation') {
      if (lost !== undefined) problems.push(`generation ${event.number} began after ${lost} was lost`);
      members = event.members.map(({ workerId }) => workerId);
    }
    if (event.type === 'worker-lost' && members.includes(event.workerId)) lost = event.workerId;
    if (event.type === 'worker-lost' || event.type === 'worker-drained') {
      const { workerId } = event;
      members = members.filter((member) => member !== workerId);
    }
  }
  return problems;
}

/** What the coordinator saw and did that lived last. */
function lastSitting({ events }: Seen): readonly RunEvent[] {
  return events
    .slice(
      Math.max(
        0,
        events.findLastIndex(({ event }) => event.type === 'resumed'),
      ),
    )
    .map(({ event }) => event);
}

/** Steps that are on record and were not lost. */
function committedSteps(seen: Seen): number {
  let step = 0;
  for (const { event } of seen.events) {
    if (event.type === 'step') step = event.step + 1;
    if (event.type === 'rolled-back' || event.type === 'went-on') step = event.step;
  }
  return step;
}

/** Steps of the last checkpoint that was taken, or that was found by a coordinator that resumed the run. */
function savedSteps(seen: Seen): number {
  return seen.events.reduce((saved, { event }) => {
    if (event.type === 'resumed') return event.step;
    return event.type === 'checkpoint' ? event.checkpoint.step : saved;
  }, 0);
}

/** While these last, a worker says when it began and is heard later. */
const delays: readonly string[] = ['slow-link', 'partition', 'freeze', 'freeze-coordinator'];

function findDisorder(seen: Seen): readonly string[] {
  const problems: string[] = [];
  let [next, saved] = [0, 0];
  for (const { event } of seen.events) {
    if (event.type === 'step') {
      if (event.step !== next) problems.push(`step ${event.step} after ${next} steps`);
      next = event.step + 1;
    }
    if (event.type === 'checkpoint') {
      saved = event.checkpoint.step;
      if (saved !== next) problems.push(`a checkpoint of step ${saved} after ${next} steps`);
    }
    // It found what was written of the checkpoints that were taken.
    if (event.type === 'resumed') saved = event.step;
    if (event.type === 'went-on') {
      if (event.step < saved || event.step > next) {
        problems.push(`went on from ${event.step} after ${next} steps; the checkpoint has ${saved}`);
      }
      next = event.step;
    }
    if (event.type === 'rolled-back') {
      if (event.step !== saved || event.step + event.lostSteps !== next) {
        problems.push(`went back from ${next} to ${event.step}, ${event.lostSteps} lost; the checkpoint has ${saved}`);
      }
      next = event.step;
    }
  }
  return problems;
}

function findUncovered(seen: Seen, { batches }: PlainRun): readonly string[] {
  return eventsOf(seen, 'step').flatMap(({ step, epoch, shares, samples }) => {
    const batch = batches[step];
    if (batch === undefined || batch.epoch !== epoch) return [`step ${step} in epoch ${epoch}`];
    let covered = batch.from;
    for (const { from, to } of shares) {
      if (from !== covered) return [`step ${step} has a share from ${from} where ${covered} is next`];
      covered = to;
    }
    return covered === batch.to && samples === batch.to - batch.from ? [] : [`step ${step} ends at ${covered}`];
  });
}

function findGaps({ updates }: Seen): readonly string[] {
  return updates.flatMap(({ life, before, step }) =>
    step === before + 1 ? [] : [`${life.workerId} applied step ${step - 1} after ${before} steps`],
  );
}

function findEarly({ updates }: Seen): readonly string[] {
  return updates.flatMap(({ life, step, isCommitted, waitsForCommit }) =>
    isCommitted || !waitsForCommit ? [] : [`${life.workerId} applied step ${step - 1}`],
  );
}

function findUnequal({ updates }: Seen): readonly string[] {
  const known = new Map<string, number>();
  return updates.flatMap(({ life, generation, step, parameters }) => {
    const key = `generation ${generation}, step ${step}`;
    const checksum = parameterChecksum(parameters);
    const expected = known.get(key) ?? checksum;
    known.set(key, expected);
    return expected === checksum ? [] : [`${life.workerId} in ${key}`];
  });
}

function findStrayed(seen: Seen, { parameters: plain }: PlainRun): readonly string[] {
  const { updates, events } = seen;
  const alone = events.every(({ event }) => event.type !== 'generation' || event.members.length === 1);
  return updates.flatMap(({ life, step, parameters }) => {
    const distance = distanceOf(parameters, plain[step]);
    return distance <= (alone ? 0 : toleranceOf(seen))
      ? []
      : [`${life.workerId} is ${distance} away after ${step} steps`];
  });
}

function findStrayedCheckpoints(seen: Seen, { parameters }: PlainRun): readonly string[] {
  return eventsOf(seen, 'checkpoint').flatMap(({ checkpoint: { step, state } }) => {
    const distance = distanceOf(state.parameters, parameters[step]);
    return distance <= toleranceOf(seen) ? [] : [`that of step ${step} is ${distance} away`];
  });
}

function distanceOf(a: Float32Array, b: Float32Array | undefined): number {
  return Math.max(...a.map((value, i) => Math.abs(value - (b?.[i] ?? Number.NaN))));
}

/** The last word on an epoch counts: it is trained and tested again where the run goes back behind it. */
function findWrongLosses(seen: Seen, { epochs }: PlainRun): readonly string[] {
  const last = new Map(eventsOf(seen, 'epoch').map((event) => [event.epoch, event] as const));
  return [...last.values()].flatMap(({ epoch, loss, accuracy, testLoss, samples }) => {
    const expected = epochs[epoch];
    const wrong = (name: 'loss' | 'accuracy' | 'testLoss', actual: number) =>
      Math.abs(actual - (expected?.[name] ?? Number.NaN)) <= toleranceOf(seen)
        ? []
        : [`${name} ${actual} of epoch ${epoch}, expected ${expected?.[name]}`];
    const counted = samples === seen.schedule.workload.trainCount ? [] : [`${samples} samples in epoch ${epoch}`];
    // Whether a sample is told right may hang on the last bits of the parameters.
    const accuracies = seen.schedule.compression === undefined ? wrong('accuracy', accuracy) : [];
    return [...wrong('loss', loss), ...accuracies, ...wrong('testLoss', testLoss), ...counted];
  });
}

function findIncomplete(seen: Seen, { batches, epochs }: PlainRun): readonly string[] {
  if (seen.end?.status !== 'completed') return [];
  const saved = eventsOf(seen, 'checkpoint').at(-1)?.checkpoint.step;
  const tested = new Set(eventsOf(seen, 'epoch').map(({ epoch }) => epoch));
  return [
    ...(committedSteps(seen) === batches.length ? [] : [`${committedSteps(seen)} steps`]),
    ...(saved === batches.length ? [] : [`the checkpoint has ${saved}`]),
    ...(tested.size === epochs.length ? [] : [`${tested.size} epochs were tested`]),
  ];
}

function findBadFailure(seen: Seen): readonly string[] {
  const { end, schedule } = seen;
  if (end === undefined || end.status === 'completed') return [];
  const { code = 'none', message = '' } = end.error ?? {};
  const broke = schedule.faults.some(({ kind }) => kind === 'throw');
  const began = lastSitting(seen).some(({ type }) => type === 'generation');
  const known = code === 'quorum-lost' || (code === 'run-failed' && broke && message.includes('its engine broke'));
  const names = began
    ? /worker w\d+ \(.*\) (was lost|left|has left|has a state that this run has gone back behind)|worker w\d+ was lost/
    : /\d of \d workers ready|w\d/;
  return [
    ...(known ? [] : [`${code}: ${message}`]),
    ...(names.test(message) ? [] : [`it does not name a worker: ${message}`]),
  ];
}

/**
 * Excused is a coordinator that resumed the run and never had enough workers for a generation. Nobody can be asked for a state
 * outside of one, so what its workers have after the checkpoint is lost when they end; the record has it, and it is trained again.
 */
function findUnsaved(seen: Seen): readonly string[] {
  if (seen.end === undefined || seen.end.status === 'completed') return [];
  if (!lastSitting(seen).some(({ type }) => type === 'generation')) return [];
  const committed = committedSteps(seen);
  const saved = savedSteps(seen);
  if (saved === committed) return [];
  const members =
    eventsOf(seen, 'generation')
      .at(-1)
      ?.members.map(({ workerId }) => workerId) ?? [];
  // Workers that a frozen coordinator did not hear from have left it, whatever they still hold.
  const lost = eventsOf(seen, 'worker-lost').map(({ workerId }) => workerId);
  const isSurvivor = ({ workerId, isHit, outcome, step }: Life) =>
    members.includes(workerId) &&
    !lost.includes(workerId) &&
    !isHit &&
    step === committed &&
    (outcome === undefined || outcome.at >= seen.endedAt);
  return seen.lives
    .filter(isSurvivor)
    .map(({ workerId }) => `${workerId} has ${committed} steps, the checkpoint has ${saved}`);
}

function findLostByDrain(seen: Seen): readonly string[] {
  const harmless = ['drain', 'join', 'slow-link'];
  if (!seen.schedule.faults.every(({ kind }) => harmless.includes(kind))) return [];
  const redone = eventsOf(seen, 'rolled-back').map(({ lostSteps }) => `${lostSteps} steps`);
  const [committed, saved] = [committedSteps(seen), eventsOf(seen, 'checkpoint').at(-1)?.checkpoint.step ?? 0];
  const unsaved = saved < committed ? [`the checkpoint has ${saved} of ${committed} steps`] : [];
  const lost = eventsOf(seen, 'worker-lost').map(({ workerId, reason }) => `${workerId} was lost: ${reason}`);
  return [...redone, ...unsaved, ...lost];
}

/** Where steps are committed, one is under way, and one is assigned ahead. */
const stepsInHand = 2;

function findHeldBack({ events, meshes }: Seen): readonly string[] {
  const leaving = new Map<string, number>();
  let most = stepsInHand;
  const problems: string[] = [];
  for (const { event } of events) {
    switch (event.type) {
      case 'worker-draining':
        leaving.set(event.workerId, 0);
        break;
      case 'worker-drained':
      case 'worker-lost':
        leaving.delete(event.workerId);
        break;
      case 'resumed':
        leaving.clear();
        break;
      case 'generation':
        most = event.members.length === 1 || meshes.has(event.number) ? mostAssignedAhead : stepsInHand;
        break;
      case 'step':
        for (const { workerId } of event.shares) {
          const steps = (leaving.get(workerId) ?? Number.NaN) + 1;
          if (steps > most) problems.push(`${workerId} trained step ${event.step}`);
          if (leaving.has(workerId)) leaving.set(workerId, steps);
        }
        break;
    }
  }
  return problems;
}

/**
 * From the beginning that the coordinator believes to the end that it learns of. What a coordinator that was killed had booked
 * is what it drew up last; the next one goes on from there, and from then.
 */
function findUnbooked({ schedule, events, ledger, endedAt }: Seen): readonly string[] {
  const isPunctual = !schedule.faults.some(({ kind }) => delays.includes(kind));
  const problems: string[] = [];
  const alive = new Map<string, number>();
  const lived = new Map<string, number>();
  const end = (workerId: string, at: number) => {
    const began = alive.get(workerId);
    alive.delete(workerId);
    if (began !== undefined) lived.set(workerId, (lived.get(workerId) ?? 0) + at - began);
  };
  let drawnUp: EventOf<'ledger'> | undefined;
  let carried: EventOf<'ledger'> | undefined;
  let resumedAt = Number.NEGATIVE_INFINITY;
  let hasLost = false;
  for (const { at, event } of events) {
    if (event.type === 'ledger') drawnUp = event;
    if (event.type === 'resumed') {
      [carried, resumedAt] = [drawnUp, at];
      const before = new Map(lived);
      // What was not drawn up before the crash is on no record.
      lived.clear();
      for (const entry of drawnUp?.entries ?? []) {
        const until = drawnUp?.at ?? 0;
        const began = alive.get(entry.workerId);
        const most = (before.get(entry.workerId) ?? 0) + (began === undefined ? 0 : Math.max(0, until - began));
        const booked = secondsOf(entry);
        if (booked > most + ledgerTolerance) problems.push(`${entry.workerId} had ${booked} s of ${most} in a crash`);
        lived.set(entry.workerId, booked);
      }
      alive.clear();
      hasLost = false;
    }
    if (event.type === 'worker-lost' || event.type === 'worker-drained') hasLost = true;
    if (event.type === 'worker-began') {
      const least = carried?.at ?? Number.NEGATIVE_INFINITY;
      if (event.at < least - recordTolerance) problems.push(`${event.workerId} is booked twice from ${event.at}`);
      const isKnown = carried?.entries.some(({ workerId }) => workerId === event.workerId) === true;
      // This coordinator has not lost it before, nor did another take its place.
      const goesOn = isPunctual && event.returns === true && isKnown && !hasLost;
      // No worker is believed to have waited for longer than the timeout.
      const latest = Math.max(least, resumedAt - timeoutSeconds) + recordTolerance;
      if (goesOn && event.at > latest) problems.push(`${event.workerId} is booked from ${event.at} only`);
      alive.set(event.workerId, event.at);
    }
    if (event.type === 'worker-lost' || event.type === 'worker-drained' || event.type === 'worker-ended') {
      end(event.workerId, at);
    }
  }
  const open = [...alive.keys()];
  const wrong = ledger.flatMap((entry) => {
    const booked = secondsOf(entry);
    if (open.includes(entry.workerId)) {
      // Its account is closed when the last process is gone.
      const least = (lived.get(entry.workerId) ?? 0) + endedAt - (alive.get(entry.workerId) ?? 0);
      return booked >= least - ledgerTolerance ? [] : [`${entry.workerId} has ${booked} s of ${least}`];
    }
    const seconds = lived.get(entry.workerId) ?? 0;
    return Math.abs(booked - seconds) <= ledgerTolerance ? [] : [`${entry.workerId} has ${booked} s of ${seconds}`];
  });
  return [...problems, ...wrong];
}

function secondsOf({ account }: LedgerEntry): number {
  return Object.values(account.seconds).reduce((sum, seconds) => sum + seconds, 0);
}

/** A coordinator that has resumed the run and had no generation has not learned whether anybody has more than the checkpoint. */
function findUncountedSamples(seen: Seen, { batches }: PlainRun): readonly string[] {
  const counted = seen.ledger.reduce((sum, { samples }) => sum + samples, 0);
  const [first, ...later] = lastSitting(seen);
  const hasLearned = later.some(({ type }) => type === 'went-on' || type === 'step');
  const steps = first?.type === 'resumed' && !hasLearned ? first.step : committedSteps(seen);
  const trained = batches.slice(0, steps).reduce((sum, { from, to }) => sum + to - from, 0);
  return counted === trained ? [] : [`${counted} of ${trained}`];
}
