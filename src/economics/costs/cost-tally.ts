/** Adds up what runs cost, by run, worker, card, provider, day or category. Pure: lines of ledgers come in one by one. */
import { ledgerCategories } from '../ledger/ledger.ts';
import { labelledGpu, splitLabel } from '../prices/price-label.ts';
import { type AccountLine, addSpent, nothingSpent, type Spent, spentBetween } from './spent.ts';

export const costGroupings = ['run', 'worker', 'gpu', 'provider', 'category', 'day'] as const;
export type CostGrouping = (typeof costGroupings)[number];

/** A part of the costs. Names that do not tell the parts apart are undefined. */
export interface CostPart {
  /** The run's folder. */
  readonly run?: string | undefined;
  readonly worker?: string | undefined;
  /** The card in the label; what the engine computes on for a worker without a label. */
  readonly gpu?: string | undefined;
  readonly provider?: string | undefined;
  readonly category?: string | undefined;
  /** ISO 8601, UTC. */
  readonly day?: string | undefined;
  readonly spent: Spent;
}

export interface CostTally {
  /** Begins a run. */
  run(folder: string): TalliedRun;
  /** What a run cost in the time that counts; undefined if it has no line then. */
  ofRun(folder: string): Spent | undefined;
  total(): Spent;
  parts(by: CostGrouping): readonly CostPart[];
}

export interface TalliedRun {
  /** Takes the lines of its ledger, in their order. */
  add(line: AccountLine): void;
  /** Counts what was added. Call it once, after the last line. */
  end(): void;
}

/** Lines of a worker in a row that count for the same parts. Their figures are cumulative, so the last one is enough. */
interface Stretch {
  /** The line before the first of them; undefined where that is the worker's first. */
  readonly before: AccountLine | undefined;
  readonly last: AccountLine;
}

/** The provider of a worker whose label names none. */
const noProvider = 'none named';
const unknownDevice = 'unknown';

type Names = Omit<CostPart, 'spent'>;

/**
 * What a worker spent between two of its lines counts at the time of the later one. The figures are cumulative, so a day's
 * cost is the difference between the last lines of that day and those of the day before, and days add up to the total.
 * Billed amounts grow when a rental or a unit of it begins, so a started hour counts on the day on which it started.
 * @param sinceUnixMs lines before this moment do not count
 */
export function createCostTally(sinceUnixMs = Number.NEGATIVE_INFINITY): CostTally {
  const sums = new Map<CostGrouping, Map<string, CostPart>>();
  let total = nothingSpent;

  function add(by: CostGrouping, names: Names, spent: Spent): void {
    const parts = sums.get(by) ?? new Map<string, CostPart>();
    sums.set(by, parts);
    const key = JSON.stringify(Object.values(names));
    parts.set(key, { ...names, spent: addSpent(parts.get(key)?.spent ?? nothingSpent, spent) });
  }

  const counts = ({ time }: AccountLine) => Date.parse(time) >= sinceUnixMs;

  function countsAs(a: AccountLine, b: AccountLine): boolean {
    return (
      dayOf(a) === dayOf(b) &&
      counts(a) === counts(b) &&
      a.gpu === b.gpu &&
      a.device === b.device &&
      a.price_assumed === b.price_assumed &&
      a.price_usd_per_hour === b.price_usd_per_hour
    );
  }

  function count(run: string, { before, last }: Stretch): void {
    if (!counts(last)) return;
    const spent = spentBetween(before, last);
    total = addSpent(total, spent);
    add('run', { run }, spent);
    add('worker', { run, worker: last.worker }, spent);
    add('gpu', { gpu: cardOf(last) }, spent);
    add('provider', { provider: providerOf(last) }, spent);
    add('day', { day: dayOf(last) }, spent);
  }

  return {
    run(run) {
      const stretches = new Map<string, Stretch>();
      return {
        add(line) {
          const stretch = stretches.get(line.worker);
          if (stretch === undefined) stretches.set(line.worker, { before: undefined, last: line });
          else if (countsAs(stretch.last, line)) stretches.set(line.worker, { ...stretch, last: line });
          else {
            count(run, stretch);
            stretches.set(line.worker, { before: stretch.last, last: line });
          }
        },
        end() {
          for (const stretch of stretches.values()) count(run, stretch);
        },
      };
    },
    ofRun: (run) => sums.get('run')?.get(JSON.stringify([run]))?.spent,
    total: () => total,
    parts(by) {
      if (by === 'category') return categoriesOf(total);
      const parts = [...(sums.get(by)?.values() ?? [])];
      switch (by) {
        case 'run':
        case 'worker':
          return parts;
        case 'day':
          return parts.sort((a, b) => (a.day ?? '').localeCompare(b.day ?? ''));
        case 'gpu':
        case 'provider':
          return parts.sort((a, b) => b.spent.costUsd - a.spent.costUsd);
        default:
          return by satisfies never;
      }
    },
  };
}

/** The categories that anything was spent on. Bills and samples belong to no category. */
function categoriesOf({ seconds, usd }: Spent): readonly CostPart[] {
  return ledgerCategories
    .filter((category) => seconds[category] > 0)
    .map((category) => ({
      category,
      spent: {
        ...nothingSpent,
        aliveSeconds: seconds[category],
        costUsd: usd[category],
        seconds: { ...nothingSpent.seconds, [category]: seconds[category] },
        usd: { ...nothingSpent.usd, [category]: usd[category] },
      },
    }));
}

function dayOf({ time }: AccountLine): string {
  return time.slice(0, 10);
}

function cardOf({ gpu, device }: AccountLine): string {
  return gpu === undefined ? (device ?? unknownDevice) : labelledGpu(gpu);
}

function providerOf({ gpu }: AccountLine): string {
  return (gpu === undefined ? undefined : splitLabel(gpu)?.provider) ?? noProvider;
}
