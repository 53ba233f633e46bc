/** Modelled fleets for the terminal. */
import type { ModelledFleet, ModelledFleets, ModelledStep } from '../../economics/planning/modelled-fleets.ts';
import type { Busiest } from '../../economics/simulation/simulate-steps.ts';
import type { ModelledAlgorithm } from '../../shared/collectives/cost-model.ts';
import { formatBitRate, formatCount, formatPercent, formatUsd } from '../../shared/core/number-format.ts';
import { createPaint } from '../terminal/colour.ts';
import { type Column, renderTable } from '../terminal/table.ts';
import { wrapText } from '../terminal/wrap-text.ts';

export function renderModelledFleets(
  plan: ModelledFleets,
  { columns, colour }: { readonly columns: number; readonly colour: boolean },
): string {
  const paint = createPaint(colour);
  return [
    wrapText(`${paint('bold', 'Modelled')}, not measured: ${describeAsked(plan)}`, columns),
    '',
    renderTable(columnsOf(plan), plan.fleets, { columns, paint }),
    '',
    ...describeModel(plan).map((line) => wrapText(line, columns)),
  ].join('\n');
}

function describeAsked({ aloneSeconds, parameters, buckets, ...plan }: ModelledFleets): string {
  const bucketCount = buckets === 1 ? 'one bucket' : `${formatCount(buckets)} buckets`;
  const price =
    plan.usdPerHour === undefined
      ? ''
      : `; each costs ${formatUsd(plan.usdPerHour)} an hour${plan.priceAssumed === undefined ? '' : ` (${plan.priceAssumed})`}`;
  return (
    `every machine has a link of ${formatBitRate(plan.bitsPerSecond)} each way, with ${ms(plan.delaySeconds)} ms of delay; ` +
    `${formatCount(parameters)} parameters, whose gradient travels in ${bucketCount}; ` +
    (aloneSeconds === undefined
      ? 'how long a worker computes is not known'
      : `one worker alone computes ${describeWork(plan)} in ${ms(aloneSeconds)} ms`) +
    price
  );
}

/** What a step computes. */
function describeWork({ localSteps, batchSize }: Pick<ModelledFleets, 'localSteps' | 'batchSize'>): string {
  if (localSteps === 1) return `a batch of ${formatCount(batchSize)}`;
  return `a step of ${formatCount(localSteps)} updates with batches of ${formatCount(batchSize / localSteps)}`;
}

const names: Readonly<Record<ModelledAlgorithm, string>> = {
  star: 'star',
  mesh: 'mesh',
  'mesh-two-shot': 'mesh, two-shot',
  ring: 'ring',
};

function nameOf({ allReduce, compressed }: ModelledFleet): string {
  if (allReduce === undefined) return '';
  return compressed === undefined ? names[allReduce] : `${names[allReduce]}, ${compressed.name}`;
}

/** Whether there is more than one row of so many workers. */
function isCompared({ algorithms, compression }: Pick<ModelledFleets, 'algorithms' | 'compression'>): boolean {
  return algorithms.length > 1 || compression !== undefined;
}

/** Whether compression is worth its time, in so many words. */
function judgeCompression({ workers, compressed, communicateSeconds }: ModelledFleet): readonly string[] {
  if (compressed === undefined) return [];
  const { name, codecSeconds, plainSeconds } = compressed;
  const verdict = communicateSeconds < plainSeconds ? 'it wins' : 'it loses';
  return [
    `--compress ${name} with ${formatCount(workers)} workers: ${ms(communicateSeconds)} ms, of which ${ms(codecSeconds)} ` +
      `encode and decode (measured), instead of ${ms(plainSeconds)} ms of the mesh without: ${verdict}`,
  ];
}

const fastestColumn: Column<ModelledFleet> = {
  head: '',
  cell: ({ isFastest, allReduce }) => (isFastest && allReduce !== undefined ? '>' : ''),
};

/** Columns of steps are there where it is known how long a worker computes, and those of costs where it has a price. */
function columnsOf(plan: ModelledFleets): readonly Column<ModelledFleet>[] {
  const ofStep = (head: string, cell: (step: ModelledStep) => string, expendable = 0): Column<ModelledFleet> => ({
    head,
    cell: ({ step }) => (step === undefined ? '' : cell(step)),
    expendable,
  });
  const usd = (value: number | undefined) => (value === undefined ? '' : formatUsd(value));
  const knowsStep = plan.aloneSeconds !== undefined;
  const hasPrice = knowsStep && plan.usdPerHour !== undefined;
  return [
    ...(isCompared(plan) ? [fastestColumn] : []),
    { head: 'workers', cell: ({ workers }) => formatCount(workers) },
    { head: 'all-reduce', cell: nameOf, align: 'left' },
    ...(knowsStep
      ? [
          ofStep('step ms', ({ seconds }) => ms(seconds)),
          ofStep('compute', ({ computeSeconds }) => ms(computeSeconds), 2),
        ]
      : []),
    ...(knowsStep && plan.spread > 0 ? [ofStep('wait', ({ waitSeconds }) => ms(waitSeconds), 2)] : []),
    { head: knowsStep ? 'communicate' : 'communicate ms', cell: ({ communicateSeconds }) => ms(communicateSeconds) },
    ...(knowsStep
      ? [
          ofStep('efficiency', ({ efficiency }) => formatPercent(efficiency), 1),
          ofStep('samples/s', ({ samplesPerSecond }) => threeDigits(samplesPerSecond)),
        ]
      : [
          {
            head: 'ms to compute for 90 %',
            cell: ({ computeForNineTenthsSeconds }: ModelledFleet) => ms(computeForNineTenthsSeconds),
          },
        ]),
    ...(hasPrice ? [ofStep('$/million', (step) => usd(step.usdPerMillionSamples))] : []),
    ...(hasPrice && plan.epochSamples !== undefined ? [ofStep('$/epoch', (step) => usd(step.usdPerEpoch), 3)] : []),
    { head: 'limited by', cell: ({ busiest }) => describeBusiest(busiest), align: 'left', expendable: 4 },
  ];
}

function describeBusiest({ what, of, part }: Busiest): string {
  if (part === 0) return '';
  return what === 'delay' ? 'delay' : `${of === 'hub' ? 'coordinator' : 'worker'}’s ${what}`;
}

/** What the figures mean, and what they leave out. */
function describeModel({
  algorithms,
  compression,
  aloneSeconds,
  usdPerHour,
  localSteps,
  overlap,
  spread,
  fleets,
  processor,
}: ModelledFleets): readonly string[] {
  const isBetweenWorkers = fleets.some(({ allReduce }) => allReduce !== 'star' && allReduce !== undefined);
  return [
    ...(isCompared({ algorithms, compression }) ? ['marked >: the all-reduce that takes least'] : []),
    ...fleets.flatMap(judgeCompression),
    ...(isBetweenWorkers
      ? [
          'mesh: each worker sends its gradient to all others; mesh, two-shot: each adds up a part, and sends it to all others; ring: each adds its own to what the one before sends it, and passes it on. Workers that cannot reach each other use the star',
        ]
      : []),
    ...(aloneSeconds === undefined
      ? [
          'ms to compute for 90 %: how long a step must keep each worker computing for nine tenths of it to be computing; ' +
            'name --step-seconds or --samples-per-second of one worker, or a run, to have steps, rates and costs',
        ]
      : ['compute: what one worker alone takes, divided evenly; efficiency: speed ÷ (workers × speed of one alone)']),
    describeOverlap(localSteps, overlap),
    ...(spread === 0 ? ['workers are equally fast (--spread)'] : []),
    `a message takes a processor ${(1e6 * processor.secondsPerMessage).toPrecision(2)} µs and ` +
      `${(1e9 * processor.secondsPerByte).toPrecision(2)} ns a byte at each end, as was measured over ZeroMQ; ` +
      'docs/performance.md says how far off the model is where it was measured',
    ...(aloneSeconds !== undefined && usdPerHour !== undefined ? ['$/million: what a million samples cost'] : []),
    'start-up, test passes, checkpoints and the coordinator’s own price are not counted',
  ];
}

/** When what is exchanged leaves. */
function describeOverlap(localSteps: number, overlap: number): string {
  if (localSteps > 1) {
    return (
      `a step is ${formatCount(localSteps)} updates of each worker (--local-steps) and one exchange of what came of them, which ` +
      'leaves after the last; the update that follows from it is not counted'
    );
  }
  return overlap === 0
    ? 'no gradient leaves before all of it is computed (--overlap)'
    : `gradients leave during the last ${formatPercent(overlap, 0)} of computing`;
}

function ms(seconds: number): string {
  return threeDigits(1000 * seconds);
}

/** `0.0125`, `1.25`, `12,503` */
function threeDigits(value: number): string {
  return value >= 99.95 ? formatCount(value) : String(Number(value.toPrecision(3)));
}
