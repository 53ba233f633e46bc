/** This machine, as trials depend on it. */
import { cpus } from 'node:os';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { pennygradVersion } from '../../shared/core/version.ts';
import { usableCores } from '../usable-cores.ts';
import type { TrialMachine } from './trial-subject.ts';

export function thisMachine(): TrialMachine {
  return {
    pennygrad: pennygradVersion,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() || 'unknown model',
    cores: usableCores(),
  };
}

/** Where trials are remembered: in the user's cache. */
export function trialsFolder(): string {
  return join(envPaths('pennygrad', { suffix: '' }).cache, 'engine-trials');
}
