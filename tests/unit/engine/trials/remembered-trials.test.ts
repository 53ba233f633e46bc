import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  recallAllTrials,
  recallTrial,
  rememberTrial,
  trialFile,
} from '../../../../src/engine/trials/remembered-trials.ts';
import type { TrialSubject } from '../../../../src/engine/trials/trial-subject.ts';
import { rememberedTrial, trialSubject as subject } from '../../../support/engine-trials.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const trial = rememberedTrial({ tensorflow: 7859, wasm: 6298 });
const now = Date.parse(trial.measuredAt);
const { machine } = subject;

function remembered(): string {
  const folder = join(temporaryFolder(), 'not', 'there', 'yet');
  expect(rememberTrial(folder, trial, now)).toEqual(trial);
  return folder;
}

describe('a trial', () => {
  it('is remembered for good', () => {
    const folder = remembered();
    expect(recallTrial(folder, subject, now + 1e12)).toEqual(trial);
    expect(recallAllTrials(folder, machine, now + 1e12)).toEqual([trial]);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it.each<[string, TrialSubject]>([
    ['version of pennygrad', { ...subject, machine: { ...machine, pennygrad: '0.2.0' } }],
    ['version of Node', { ...subject, machine: { ...machine, node: '24.0.0' } }],
    ['processor', { ...subject, machine: { ...machine, cpu: 'Xeon' } }],
    ['platform', { ...subject, machine: { ...machine, platform: 'darwin arm64' } }],
    ['number of cores', { ...subject, machine: { ...machine, cores: 1.5 } }],
    ['--threads', { ...subject, threads: 1 }],
    ['number of threads', { ...subject, tensorflowThreads: 2 }],
    ['model', { ...subject, model: { ...subject.model, name: 'mlp' } }],
    ['image size', { ...subject, model: { ...subject.model, inputShape: [32, 32, 3] } }],
    ['number of classes', { ...subject, model: { ...subject.model, classes: 26 } }],
    ['optimizer', { ...subject, optimizer: 'sgd' }],
    ['engine', { ...subject, contenders: subject.contenders.slice(1) }],
    ['version of TensorFlow', { ...subject, contenders: [{ engine: 'tensorflow', device: 'TensorFlow 3, CPU' }] }],
    ['card', { ...subject, contenders: subject.contenders.map((one) => ({ ...one, hardware: 'T4' })) }],
  ])('says nothing of another %s', (_, other) => {
    expect(recallTrial(remembered(), other, now)).toBeUndefined();
  });

  it('is found whatever order the fields of its subject are in', () => {
    const { machine, ...rest } = subject;
    const { cpu, cores, ...programs } = machine;
    expect(recallTrial(remembered(), { ...rest, machine: { cores, ...programs, cpu } }, now)).toEqual(trial);
  });

  it.each([
    ['empty', ''],
    ['cut off', JSON.stringify(trial).slice(0, -20)],
    ['of a later version', JSON.stringify({ ...trial, version: 2 })],
    ['with an impossible speed', JSON.stringify({ ...trial, results: [{ engine: 'wasm', samplesPerSecond: -1 }] })],
    ['of another subject', JSON.stringify({ ...trial, subject: { ...subject, optimizer: 'sgd' } })],
    ['far too long', `${JSON.stringify(trial)}${' '.repeat(2 ** 20)}`],
  ])('whose file is %s is not there, and is made and remembered anew', (_, content) => {
    const folder = remembered();
    const file = trialFile(folder, subject);
    writeFileSync(file, content);
    expect(recallTrial(folder, subject, now)).toBeUndefined();
    const again = rememberedTrial({ tensorflow: 5000, wasm: 6298 });
    expect(rememberTrial(folder, again, now)).toEqual(again);
    expect(recallTrial(folder, subject, now)).toEqual(again);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('that comes second gives way to the first, so that all workers choose alike', () => {
    const folder = remembered();
    const before = readFileSync(trialFile(folder, subject), 'utf8');
    expect(rememberTrial(folder, rememberedTrial({ tensorflow: 5000, wasm: 6298 }), now)).toEqual(trial);
    expect(readFileSync(trialFile(folder, subject), 'utf8')).toBe(before);
  });

  it('in which something failed is tried again after ten minutes, and then replaced', () => {
    const folder = temporaryFolder();
    const failed = rememberedTrial({ tensorflow: 'out of memory', wasm: 6298 });
    rememberTrial(folder, failed, now);
    expect(recallTrial(folder, subject, now + 600_000)).toEqual(failed);
    expect(recallTrial(folder, subject, now + 600_001)).toBeUndefined();
    expect(recallAllTrials(folder, machine, now + 600_001)).toEqual([]);
    const later = { ...trial, measuredAt: new Date(now + 600_001).toISOString() };
    expect(rememberTrial(folder, later, now + 600_001)).toEqual(later);
  });

  it('counts also where it cannot be remembered', () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect(rememberTrial(join(file, 'folder'), trial, now)).toEqual(trial);
    expect(recallAllTrials(join(file, 'folder'), machine, now)).toEqual([]);
    expect(statSync(file).size).toBe(0);
  });
});

it('trials are listed latest first, and only those of this machine', () => {
  const folder = remembered();
  const later = { ...trial, subject: { ...subject, threads: 2 }, measuredAt: new Date(now + 1).toISOString() };
  const elsewhere = { ...trial, subject: { ...subject, machine: { ...machine, cpu: 'Xeon' } } };
  for (const other of [later, elsewhere]) rememberTrial(folder, other, now);
  writeFileSync(join(folder, 'notes.txt'), 'not a trial');
  mkdirSync(join(folder, `${'0'.repeat(32)}.json`));
  expect(recallAllTrials(folder, machine, now)).toEqual([later, trial]);
});
