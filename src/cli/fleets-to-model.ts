/** What `plan --link` models. What a run has measured stands for what no flag says. Pure. */
import type { ComparedRun } from '../economics/comparison/compared-fleets.ts';
import { type FleetsToModel, type MeasuredWork, measuredWork } from '../economics/planning/modelled-fleets.ts';
import { measuredCodecs, measuredProcessor } from '../economics/simulation/measured-costs.ts';
import { algorithmsOf, type modelledFleetSettings } from '../settings/modelled-fleet-settings.ts';
import type { Parsed } from '../settings/setting.ts';
import { trainingSettings } from '../settings/training-settings.ts';
import { parseCompression } from '../shared/core/compression-name.ts';
import { badInput } from '../shared/core/errors.ts';

const defaultBatchSize = trainingSettings.batchSize.schema.parse(undefined);

/**
 * @param isFlag whether a setting was given on the command line: a variable may be there for other commands
 * @throws bad-input naming the flag that is missing, or one too many
 */
export function fleetsToModel(
  settings: Parsed<typeof modelledFleetSettings> & { readonly price: number | undefined },
  runs: readonly ComparedRun[],
  isFlag: (key: string) => boolean = () => true,
): FleetsToModel {
  const { link, workers, stepSeconds, samplesPerSecond } = settings;
  if (link === undefined) throw badInput('--link is required: a rate like 25gbit');
  if (workers === undefined) throw badInput('--link needs --workers: how many, like 64 or 1,8,64');
  const [run, other] = runs;
  if (other !== undefined) throw badInput('--link takes one run at most: name the one whose workers are meant');
  const measured: Partial<MeasuredWork> = run === undefined ? {} : measuredWork(run.summary);
  if (run !== undefined && settings.parameters !== undefined && settings.parameters !== measured.parameters) {
    throw badInput(
      `--parameters ${settings.parameters} contradicts run ${run.summary.run_id}, whose model has ${measured.parameters}: ` +
        'leave out one of them',
    );
  }
  const parameters = settings.parameters ?? measured.parameters;
  if (parameters === undefined) throw badInput('--link needs --parameters, like 25e6, or a run that has them');
  if (stepSeconds !== undefined && samplesPerSecond !== undefined) {
    throw badInput('--step-seconds and --samples-per-second exclude each other: both say how fast one worker is');
  }
  const localSteps = settings.localSteps ?? measured.localSteps ?? 1;
  const ofUpdate = settings.batchSize ?? measuredBatch(measured) ?? defaultBatchSize;
  const updateSeconds = stepSeconds ?? secondsOf(ofUpdate, samplesPerSecond ?? measuredRate(measured));
  const aloneSeconds = updateSeconds && updateSeconds * localSteps;
  if (localSteps > 1 && settings.overlap > 0 && isFlag('overlap')) {
    throw badInput(`--overlap has no meaning with --local-steps ${localSteps}: nothing leaves before the last update`);
  }
  if (aloneSeconds === undefined) refuseWithoutComputing(settings, isFlag);
  const most = Math.max(...workers);
  if (aloneSeconds !== undefined && most > ofUpdate) {
    throw badInput(
      `--workers ${most} leaves workers of a --batch-size of ${ofUpdate} without a sample: name a larger one`,
    );
  }
  return {
    workers: [...new Set(workers)],
    algorithms: algorithmsOf(settings.allReduce),
    bitsPerSecond: link,
    delaySeconds: settings.delay,
    processor: measuredProcessor,
    compression: compressionToModel(settings.compress),
    parameters,
    localSteps,
    batchSize: ofUpdate * localSteps,
    aloneSeconds,
    overlap: localSteps > 1 ? 0 : settings.overlap,
    spread: settings.spread,
    usdPerHour: settings.price ?? measured.usdPerHour,
    priceAssumed: settings.price === undefined ? measured.priceAssumed : undefined,
    epochSamples: measured.epochSamples,
  };
}

/** @throws bad-input naming a flag that would change nothing where it is not known how long a worker computes */
function refuseWithoutComputing(
  { price = 0, overlap, spread }: Pick<Parameters<typeof fleetsToModel>[0], 'price' | 'overlap' | 'spread'>,
  isFlag: (key: string) => boolean,
): void {
  const idle = Object.entries({ price, overlap, spread }).find(([key, value]) => value > 0 && isFlag(key));
  if (idle === undefined) return;
  throw badInput(
    `--${idle[0]} changes nothing where it is not known how long a worker computes: ` +
      'name --step-seconds, --samples-per-second or a run',
  );
}

function compressionToModel(name: string | undefined): FleetsToModel['compression'] {
  const spec = name === undefined ? undefined : parseCompression(name);
  return name === undefined || spec === undefined ? undefined : { name, costs: measuredCodecs[spec.codec] };
}

/** Samples of an update of the run. */
function measuredBatch({ batchSize, localSteps = 1 }: Partial<MeasuredWork>): number | undefined {
  return batchSize && batchSize / localSteps;
}

/** Samples per second of one worker alone while it computes, at the run's own batch. */
function measuredRate({ batchSize, aloneSeconds }: Partial<MeasuredWork>): number | undefined {
  return batchSize === undefined || aloneSeconds === undefined ? undefined : batchSize / aloneSeconds;
}

function secondsOf(samples: number, perSecond: number | undefined): number | undefined {
  return perSecond === undefined ? undefined : samples / perSecond;
}
