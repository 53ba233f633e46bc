import type { Argv } from 'yargs';
import { badInput } from '../shared/core/errors.ts';
import { startLocalWorkers } from './local-workers.ts';
import { runAndReport } from './run-and-report.ts';
import { readConfigFile, resolveSettings, type TrainSettings, trainSettings, yargsOptions } from './settings.ts';
