/** Gathers the facts that decide whether a run can succeed here, and checks them. */
import type { EngineName } from '../engine/engine.ts';
import { runProgram } from '../engine/run-program.ts';
import { listGpus } from '../engine/tensorflow/nvidia-smi.ts';
import { type RememberedTrial, recallAllTrials } from '../engine/trials/remembered-trials.ts';
import { thisMachine, trialsFolder } from '../engine/trials/this-machine.ts';
import { messageOf } from '../shared/core/errors.ts';
import type { Check } from './checks/check.ts';
import { checkCoordinator } from './checks/check-coordinator.ts';
import { checkDataset } from './checks/check-dataset.ts';
import { checkEngines } from './checks/check-engines.ts';
import { checkFolder } from './checks/check-folder.ts';
import { checkGpus, type GpuFacts } from './checks/check-gpus.ts';
import { checkCores, checkMemory, checkNode } from './checks/check-host.ts';
import { checkPort } from './checks/check-ports.ts';
import { type DatasetFacts, type DatasetSettings, gatherDataset } from './facts/dataset-facts.ts';
import { type FolderFacts, gatherFolder } from './facts/folder-facts.ts';
import { gatherHost, type HostFacts } from './facts/host-facts.ts';
import { type CoordinatorFacts, pingCoordinator } from './facts/ping-coordinator.ts';
import { gatherPort, type PortFacts } from './facts/port-facts.ts';
import { type EngineFacts, tryEngine } from './facts/try-engine.ts';

export interface DiagnoseOptions extends DatasetSettings {
  readonly version: string;
  readonly requiredNode: string;
  /** In the order of preference. */
  readonly engines: readonly EngineName[];
  readonly batchSize: number;
  /** How long each engine is measured; 0 does not measure. */
  readonly seconds: number;
  readonly ports: readonly Pick<PortFacts, 'purpose' | 'host' | 'port' | 'askedFor'>[];
  readonly runsFolder: string;
  readonly connect: string | undefined;
  /** Called with what is being done, for display, whenever that changes. */
  readonly onProgress: (doing: string) => void;
}

/** Everything that was measured. */
export interface Facts {
  readonly host: HostFacts;
  readonly engines: readonly EngineFacts[];
  /** The trials by which `auto` decides here. */
  readonly engineTrials: readonly RememberedTrial[];
  readonly gpu: GpuFacts;
  readonly dataset: DatasetFacts;
  readonly folder: FolderFacts;
  readonly ports: readonly PortFacts[];
  readonly coordinator: CoordinatorFacts | undefined;
}

export interface Diagnosis {
  readonly facts: Facts;
  readonly checks: readonly Check[];
}

const pings = { pings: 11, timeoutMs: 5000 };

/** Does one thing after the other, so that measurements are not disturbed. Problems are results and do not throw. */
export async function diagnose(options: DiagnoseOptions): Promise<Diagnosis> {
  const { onProgress, connect, seconds, batchSize } = options;
  const host = gatherHost();
  const folder = gatherFolder(options.runsFolder);
  onProgress('checking ports, GPUs and dataset');
  const ports: PortFacts[] = [];
  for (const port of options.ports) ports.push(await gatherPort(port));
  const gpu = await gatherGpus();
  const dataset = await gatherDataset(options);
  if (connect !== undefined) onProgress(`contacting ${connect}`);
  const coordinator = connect === undefined ? undefined : await pingCoordinator(connect, pings);
  const engines: EngineFacts[] = [];
  for (const engine of options.engines) {
    onProgress(seconds === 0 ? `trying engine ${engine}` : `measuring engine ${engine} for ${seconds} s`);
    engines.push(await tryEngine({ engine, batchSize, seconds }));
  }
  const engineTrials = recallAllTrials(trialsFolder(), thisMachine(), Date.now());
  const facts = { host, engines, engineTrials, gpu, dataset, folder, ports, coordinator };
  return { facts, checks: await checkAll(facts, options) };
}

async function checkAll(
  { host, engines, engineTrials, gpu, dataset, folder, ports, coordinator }: Facts,
  { version, requiredNode }: Pick<DiagnoseOptions, 'version' | 'requiredNode'>,
): Promise<readonly Check[]> {
  return [
    ...(await checkEngines(engines, engineTrials)),
    ...checkGpus(gpu),
    checkNode(host, requiredNode),
    ...[checkCores(host), checkMemory(host), checkFolder(folder), checkDataset(dataset)],
    ...ports.map(checkPort),
    ...(coordinator === undefined ? [] : [checkCoordinator(coordinator, version)]),
  ];
}

async function gatherGpus(): Promise<GpuFacts> {
  try {
    return { gpus: await listGpus(runProgram) };
  } catch (error) {
    return { gpus: [], problem: messageOf(error) };
  }
}
