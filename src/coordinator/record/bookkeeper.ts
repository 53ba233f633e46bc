/**
 * Keeps the ledger of a run: follows its events, and draws up the accounts at every epoch and checkpoint, at the end,
 * and every second in between. The accounts are events in their own right, derived from the others. File, metrics and
 * summary all take costs from these, so that none of them is ever ahead of the file, which is all that is left when the
 * coordinator is killed.
 */

import type { TakenAndDue } from '../../economics/ledger/budget.ts';
import {
  type AccountEvent,
  accruedUsd,
  type BookedCategory,
  billedUsdAt,
  book,
  bookedUsd,
  newAccount,
} from '../../economics/ledger/ledger.ts';
import { billingOf } from '../../economics/prices/billing-rules.ts';
import type { RunStatus } from '../../economics/record/run-record.ts';
import type { LedgerCause } from '../../run-folder/ledger-line.ts';
import type { Clock } from '../../shared/core/clock.ts';
import type { SpentSeconds } from '../../shared/core/phases.ts';
import { sumOf } from '../../shared/core/sums.ts';
import type { LedgerEntry, LedgerEvent, MemberSpent, RunEvent } from '../run-events.ts';
import { advanceEnding, endingSeconds, nothingKnown } from './ending-time.ts';
import { type Waste, wasteOf } from './interruptions.ts';

export interface Bookkeeper {
  /** Takes in an event. @returns the accounts, when the event makes it time to draw them up */
  observe(event: RunEvent): LedgerEvent | undefined;
  /** Up to now, including what the run took before it was resumed. */
  spent(): TakenAndDue;
  /** The USD of that: asked for at every step. */
  spentUsd(): number;
  /** What is booked so far as wasted or idle, of all workers together. It never falls. */
  waste(): Waste;
  /** All workers have ended, as far as is known. @returns the last accounts; undefined when called again */
  close(): LedgerEvent | undefined;
}

/** What a run had cost before it was resumed. */
export interface CarriedAccounts {
  readonly entries: readonly LedgerEntry[];
  readonly runSeconds: number;
  /** The committed step that training resumes from. */
  readonly step: number;
}

export interface BookkeeperOptions {
  readonly clock: Clock;
  /** When this process began, on `clock`. */
  readonly startedAt: number;
  readonly carried: CarriedAccounts | undefined;
}

const interimSeconds = 1;

type Row = { -readonly [Key in keyof LedgerEntry]: LedgerEntry[Key] };

export function createBookkeeper({ clock, startedAt, carried }: BookkeeperOptions): Bookkeeper {
  const rows = new Map<string, Row>(carried?.entries.map((entry) => [entry.workerId, { ...entry }]));
  let members: ReadonlySet<string> = new Set();
  /** Workers that were members before they were last heard to begin. */
  const returned = new Set<string>();
  /** Up to when the members' wait for another generation is booked; undefined while there is one. */
  let waitedUntil: number | undefined;
  let endingTime = nothingKnown;
  let step = carried?.step ?? 0;
  let drawnUpAt = clock.now();
  let ending: RunStatus | undefined;
  let closed = false;
  /** Trained in the steps that the last checkpoint has. */
  let savedSamples = samplesByWorker(rows);
  /** Undefined once an account has changed since it was asked for: most events change none. */
  let wasteNow: Waste | undefined;
  const runSeconds = () => (carried?.runSeconds ?? 0) + clock.now() - startedAt;

  function began(event: Extract<RunEvent, { type: 'worker-began' }>): void {
    const { workerId, at, priceUsdPerHour, gpu } = event;
    if (event.returns) returned.add(workerId);
    else returned.delete(workerId);
    const known = rows.get(workerId) ?? { workerId, rank: undefined, samples: 0, account: newAccount };
    const priceSinceUnixMs = clock.unixMs() - (clock.now() - at) * 1000;
    const billing = billingOf(gpu);
    wasteNow = undefined;
    const account = book(known.account, { type: 'began', at, returns: event.returns, priceUsdPerHour, billing });
    rows.set(workerId, {
      ...known,
      account,
      billing,
      priceSinceUnixMs,
      priceAssumed: event.priceAssumed === undefined ? undefined : true,
      gpu,
    });
  }

  function bookTo(row: Row, event: AccountEvent): void {
    wasteNow = undefined;
    row.account = book(row.account, event);
  }

  function spend({ workerId, at, seconds }: MemberSpent, redone: boolean): void {
    const row = rows.get(workerId);
    if (row === undefined) return;
    bookTo(row, { type: 'spent', at, seconds: redone ? wasted(seconds) : categories(seconds) });
  }

  /** The category of time that a worker has not reported. */
  function silence(workerId: string): BookedCategory {
    // Who lost the coordinator may have worked on a step that came to nothing, and waited since.
    if (!members.has(workerId)) return returned.has(workerId) ? 'wasted' : 'startup';
    // A process that ends before the run leaves its work unfinished.
    return ending === undefined || ending === 'failed' ? 'wasted' : 'idle';
  }

  function settle(workerId: string, type: 'passed' | 'ended', category = silence(workerId)): void {
    const row = rows.get(workerId);
    if (row !== undefined) bookTo(row, { type, at: clock.now(), category });
  }

  /** Members that wait for a generation report nothing until there is one, and it may never come. */
  function bookWait(): void {
    if (waitedUntil === undefined) return;
    const [at, seconds] = [clock.now(), clock.now() - waitedUntil];
    waitedUntil = at;
    for (const workerId of members) {
      const row = rows.get(workerId);
      if (row !== undefined) bookTo(row, { type: 'idled', at, seconds });
    }
  }

  function accruedByAll(): number {
    const now = clock.now();
    let usd = 0;
    for (const { account } of rows.values()) usd += accruedUsd(account, now);
    return usd;
  }

  function drawUp(cause: LedgerCause, epoch?: number): LedgerEvent {
    drawnUpAt = clock.now();
    const entries = [...rows.values()].map((row) => ({ ...row }));
    const costUsd = sumOf(entries.map(({ account }) => bookedUsd(account)));
    const event = { type: 'ledger', at: drawnUpAt, cause, step, runSeconds: runSeconds(), entries, costUsd } as const;
    return epoch === undefined ? event : { ...event, epoch };
  }

  return {
    observe(event) {
      endingTime = advanceEnding(endingTime, event);
      switch (event.type) {
        case 'worker-began':
          began(event);
          return undefined;
        case 'worker-ready': {
          const row = rows.get(event.workerId);
          if (row !== undefined) row.device = event.device;
          return undefined;
        }
        case 'waiting':
          waitedUntil ??= clock.now();
          return undefined;
        case 'generation':
          bookWait();
          waitedUntil = undefined;
          for (const { workerId, rank } of event.members) {
            // Whoever was a member before reports what it has spent since.
            if (!members.has(workerId)) settle(workerId, 'passed');
            const row = rows.get(workerId);
            if (row !== undefined) row.rank = rank;
          }
          members = new Set(event.members.map(({ workerId }) => workerId));
          return drawUp('begin');
        case 'step':
          step = event.step + 1;
          for (const { workerId, samples } of event.members) {
            const row = rows.get(workerId);
            if (row !== undefined) row.samples += samples;
          }
          return undefined;
        case 'spent':
          for (const member of event.members) spend(member, event.redone);
          return clock.now() - drawnUpAt >= interimSeconds ? drawUp('interim') : undefined;
        case 'tick':
          bookWait();
          // Members report what they spend; nobody else does.
          for (const workerId of rows.keys()) if (!members.has(workerId)) settle(workerId, 'passed');
          return clock.now() - drawnUpAt >= interimSeconds ? drawUp('interim') : undefined;
        case 'epoch':
          return drawUp('epoch', event.epoch);
        case 'checkpoint':
          savedSamples = samplesByWorker(rows);
          return drawUp('checkpoint');
        case 'worker-lost':
        case 'worker-ended':
          settle(event.workerId, 'ended');
          members = without(members, event.workerId);
          return undefined;
        case 'worker-drained':
          settle(event.workerId, 'ended', 'idle');
          members = without(members, event.workerId);
          return undefined;
        case 'went-on':
          step = event.step;
          for (const [workerId, row] of rows) {
            const { samplesByWorker } = event.record;
            if (samplesByWorker !== undefined) row.samples = samplesByWorker.get(workerId) ?? 0;
          }
          return undefined;
        case 'rolled-back':
          step = event.step;
          for (const [workerId, row] of rows) row.samples = savedSamples.get(workerId) ?? 0;
          return undefined;
        case 'ended':
          ending = event.status;
          for (const workerId of rows.keys()) settle(workerId, 'passed');
          return undefined;
        default:
          return undefined;
      }
    },
    spent() {
      const [accounts, now] = [[...rows.values()].map(({ account }) => account), clock.now()];
      const endsAt = now + endingSeconds(endingTime);
      return {
        usd: accruedByAll(),
        billedUsd: sumOf(accounts.map((account) => billedUsdAt(account, now))),
        billedAtEndUsd: sumOf(accounts.map((account) => billedUsdAt(account, endsAt))),
        seconds: runSeconds(),
      };
    },
    spentUsd: accruedByAll,
    waste() {
      wasteNow ??= wasteOf([...rows.values()].map(({ account }) => account));
      return wasteNow;
    },
    close() {
      if (closed) return undefined;
      closed = true;
      for (const workerId of rows.keys()) settle(workerId, 'ended');
      return drawUp('end');
    },
  };
}

function without(members: ReadonlySet<string>, workerId: string): ReadonlySet<string> {
  return new Set([...members].filter((member) => member !== workerId));
}

function samplesByWorker(rows: ReadonlyMap<string, Row>): ReadonlyMap<string, number> {
  return new Map([...rows].map(([workerId, { samples }]) => [workerId, samples]));
}

function categories({ compute, apply, communicate, wait, load, evaluate, idle }: SpentSeconds) {
  return { compute: compute + apply, communicate, wait, load, evaluate, idle };
}

/** Idle time is not work, so it cannot be wasted. */
function wasted({ idle, evaluate, ...step }: SpentSeconds) {
  return { wasted: sumOf(Object.values(step)), idle, evaluate };
}
