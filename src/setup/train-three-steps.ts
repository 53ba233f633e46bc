/**
 * Trains three steps on drawn digits with the TensorFlow of a manifest, and fails unless the loss falls. A program of
 * its own, so that a crash of the native library ends nothing else. Usage: node train-three-steps.js MANIFEST
 */
import { readFileSync } from 'node:fs';
import { createTensorflowEngine } from '../engine/tensorflow/tensorflow-engine.ts';
import type { TensorflowManifest } from '../engine/tensorflow/tensorflow-installation.ts';
import { messageOf } from '../shared/core/errors.ts';
import { tryLearning } from './learning-trial.ts';

try {
  const [manifestFile = ''] = process.argv.slice(2);
  const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as TensorflowManifest;
  const { losses } = await tryLearning((options) => createTensorflowEngine(options, manifest, 'under test'));
  const [first = 0, , last = 0] = losses;
  if (!(last < first)) throw new Error(`the loss did not fall: ${losses.map((loss) => loss.toFixed(4)).join(', ')}`);
} catch (error) {
  console.error(`error: ${messageOf(error)}`);
  process.exitCode = 1;
}
