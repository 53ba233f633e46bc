/** What befalls a run of real processes, drawn from a seed. */
import { createRandom } from '../../../src/shared/core/random.ts';

/** `pick` chooses among the workers that train when it is time. */
export type Deed =
  /** SIGKILL. */
  | { readonly kind: 'kill'; readonly pick: number }
  /** SIGSTOP, and SIGCONT so much later, or once the run has lost the worker. */
  | { readonly kind: 'freeze'; readonly pick: number; readonly forMs: number | 'until-lost' }
  /** SIGTERM or SIGUSR1, as a spot machine's last notice. */
  | { readonly kind: 'drain'; readonly pick: number; readonly signal: 'SIGTERM' | 'SIGUSR1' }
  /** One more worker. */
  | { readonly kind: 'join' }
  /** SIGKILL of the coordinator, which is started again with `--resume`. */
  | { readonly kind: 'coordinator-kill' }
  /** No room is left for the files of the run, until it has met that. */
  | { readonly kind: 'disk-full' }
  /**
   * A bit of a parameter of one replica changes. `isSeenAtOnce`: after an update that the replicas are compared after, so that no
   * gradient of it counts.
   */
  | {
      readonly kind: 'bit-flip';
      readonly pick: number;
      readonly parameter: number;
      readonly bit: number;
      readonly isSeenAtOnce: boolean;
    };

export type DeedKind = Deed['kind'];

export interface TimedDeed {
  readonly deed: Deed;
  /** So many steps after the deed before it has shown its effect; undefined: at once, together with it. */
  readonly afterSteps: number | undefined;
}

/** How the run ends: interrupted, or interrupted and resumed until it has trained its steps. */
export type Ending = 'interrupted' | 'resumed';

export interface Schedule {
  readonly seed: number;
  readonly workers: { readonly min: number; readonly max: number };
  /** How many there are at first. */
  readonly beginWith: number;
  readonly onLoss: 'continue' | 'wait';
  /** With `stop` a bit flip is the last deed, and ends the run. */
  readonly onDesync: 'heal' | 'stop';
  readonly deterministic: boolean;
  /** `--timeout` of the run, in seconds. */
  readonly timeout: number;
  readonly deeds: readonly TimedDeed[];
  readonly ending: Ending;
}

/** A majority of replicas takes three. */
const fewestToHeal = 3;
const mostDeeds = 4;
/** Parameters of the softmax model of MNIST. */
const parameters = 7850;
/** `--timeout`, in seconds: a frozen worker is waited for half of it. */
const timeouts = { short: 60, long: 300 };

const kinds: readonly DeedKind[] = ['kill', 'freeze', 'drain', 'join', 'coordinator-kill', 'disk-full', 'bit-flip'];

export function drawSchedule(seed: number): Schedule {
  const random = createRandom(seed, 0x5eed);
  const oneOf = <Item>(items: readonly Item[]): Item => items[random.integer(items.length)] as Item;
  const beginWith = 2 + random.integer(2);
  const workers = { min: 1 + random.integer(2), max: beginWith + 1 };
  const onLoss = oneOf(['continue', 'continue', 'continue', 'wait'] as const);
  const onDesync = oneOf(['heal', 'heal', 'heal', 'stop'] as const);
  const count = 2 + random.integer(mostDeeds - 1);
  const deeds: TimedDeed[] = [];
  let present = beginWith;

  function add(deed: Deed, isAtOnce: boolean): void {
    const afterSteps = isAtOnce ? undefined : 1 + random.integer(50);
    deeds.push({ deed, afterSteps });
    if (deed.kind === 'join') present += 1;
    if (deed.kind === 'kill' || deed.kind === 'drain') present -= 1;
  }
  const has = (kind: DeedKind) => deeds.some(({ deed }) => deed.kind === kind);

  function draw(kind: DeedKind): Deed {
    const pick = random.integer(1000);
    switch (kind) {
      case 'freeze': {
        // Workers keep their state for 0.8 of the timeout: a short one may be too short where processes start slowly.
        const isLost = random.integer(6) === 0 && !has('coordinator-kill');
        return { kind, pick, forMs: isLost ? 'until-lost' : 20 + random.integer(800) };
      }
      case 'drain':
        return { kind, pick, signal: oneOf(['SIGTERM', 'SIGUSR1'] as const) };
      case 'bit-flip': {
        const isSeenAtOnce = random.integer(2) === 0;
        // The last bits only, where its gradients count: the run is compared with one without the flip.
        return {
          kind,
          pick,
          parameter: random.integer(parameters),
          bit: random.integer(isSeenAtOnce ? 23 : 9),
          isSeenAtOnce,
        };
      }
      case 'kill':
        return { kind, pick };
      default:
        return { kind };
    }
  }

  const canBe = (kind: DeedKind) => {
    if (kind === 'join') return present < workers.max;
    if (kind === 'bit-flip') return present >= fewestToHeal;
    if (kind === 'coordinator-kill') return !deeds.some(isUntilLost);
    return true;
  };
  while (deeds.length < count) {
    const kind = oneOf(kinds.filter(canBe));
    // What is waited for in the coordinator's output takes its time alone.
    const isAlone = kind === 'bit-flip' || kind === 'disk-full' || lastIsAlone(deeds);
    add(draw(kind), !isAlone && deeds.length > 0 && random.integer(3) === 0);
    if (kind === 'bit-flip' && onDesync === 'stop') break;
    const isWaiting = present < workers.min || (onLoss === 'wait' && (kind === 'kill' || kind === 'drain'));
    if (isWaiting) add({ kind: 'join' }, true);
  }
  return {
    seed,
    workers,
    beginWith,
    onLoss,
    onDesync,
    deterministic: random.integer(4) > 0,
    timeout: deeds.some(isUntilLost) ? timeouts.short : timeouts.long,
    deeds,
    ending: random.integer(4) === 0 ? 'resumed' : 'interrupted',
  };
}

function isUntilLost({ deed }: TimedDeed): boolean {
  return deed.kind === 'freeze' && deed.forMs === 'until-lost';
}

function lastIsAlone(deeds: readonly TimedDeed[]): boolean {
  const kind = deeds.at(-1)?.deed.kind;
  return kind === 'bit-flip' || kind === 'disk-full';
}

export function describeSchedule(schedule: Schedule): string {
  const { seed, workers, beginWith, onLoss, onDesync, deterministic, deeds, ending } = schedule;
  const what = deeds.map(({ deed, afterSteps }) => {
    const when = afterSteps === undefined ? 'with it' : `after ${afterSteps} steps`;
    return `${when} ${describeDeed(deed)}`;
  });
  const how = `${onLoss}, ${onDesync}${deterministic ? ', deterministic' : ''}`;
  return `seed ${seed}: ${beginWith} of ${workers.min}:${workers.max}, ${how}: ${what.join('; ')}; ${ending}`;
}

function describeDeed(deed: Deed): string {
  switch (deed.kind) {
    case 'freeze':
      return deed.forMs === 'until-lost' ? 'freeze until it is lost' : `freeze for ${deed.forMs} ms`;
    case 'drain':
      return `drain by ${deed.signal}`;
    case 'bit-flip':
      return `flip bit ${deed.bit} of parameter ${deed.parameter}${deed.isSeenAtOnce ? ' before a comparison' : ''}`;
    default:
      return deed.kind;
  }
}
