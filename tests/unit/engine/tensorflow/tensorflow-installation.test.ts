import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Gpu } from '../../../../src/engine/tensorflow/nvidia-smi.ts';
import {
  findInstallation,
  manifestPath,
  type TensorflowManifest,
  tensorflowFolder,
} from '../../../../src/engine/tensorflow/tensorflow-installation.ts';
import { describeAvailability } from '../../../../src/engine/tensorflow/tensorflow-probe.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const card: Gpu = { index: 0, uuid: 'GPU-1', name: 'T4', driverVersion: '550' };

function folderWith(manifest: string | ((folder: string) => TensorflowManifest)): string {
  const folder = temporaryFolder();
  writeFileSync(manifestPath(folder), typeof manifest === 'string' ? manifest : JSON.stringify(manifest(folder)));
  return folder;
}

const manifestOf = (folder: string, gpu = false): TensorflowManifest => ({
  version: 1,
  tensorflow: '2.21.0',
  gpu,
  python: 'python3',
  packageFolder: folder,
  binding: join(folder, 'binding.node'),
  library: manifestPath(folder),
  libraryFolders: [],
});

describe('findInstallation', () => {
  it('says how to get one where there is none', () => {
    const folder = temporaryFolder();
    expect(findInstallation(folder)).toEqual({
      complete: false,
      reason: 'TensorFlow is not set up',
      remedy: 'run pennygrad setup tensorflow',
      notInstalled: true,
    });
  });

  it.each(['', '{', '{"version":2}', '[]'])('takes %j for no manifest', (text) => {
    expect(findInstallation(folderWith(text))).toMatchObject({ complete: false, reason: /another version/ });
  });

  it('notices that a file is gone, and asks for the same kind again', () => {
    const folder = folderWith((at) => manifestOf(at, true));
    expect(findInstallation(folder)).toEqual({
      complete: false,
      reason: `${join(folder, 'binding.node')} is missing`,
      remedy: 'run pennygrad setup tensorflow --gpu again',
    });
    writeFileSync(join(folder, 'binding.node'), '');
    expect(findInstallation(folder)).toEqual({ complete: true, ...manifestOf(folder, true) });
  });

  it('looks where PENNYGRAD_HOME says', () => {
    expect(tensorflowFolder({ PENNYGRAD_HOME: '/elsewhere' })).toBe('/elsewhere/engines/tensorflow');
    expect(tensorflowFolder({ PENNYGRAD_HOME: '' })).toMatch(/pennygrad.*engines.tensorflow$/);
  });
});

describe('describeAvailability', () => {
  const installed = (gpu: boolean) => ({ complete: true, ...manifestOf('/f', gpu) }) as const;

  it('passes on why there is no installation', () => {
    const missing = { complete: false, reason: 'why', remedy: 'what' } as const;
    expect(describeAvailability(missing, [card], {})).toEqual({ usable: false, reason: 'why', remedy: 'what' });
  });

  it('lets auto take CUDA, and a CPU only if a trial finds it faster', () => {
    const onCard = describeAvailability(installed(true), [card], {});
    expect(onCard).toMatchObject({ usable: true, device: 'TensorFlow 2.21.0, CUDA', hardware: card.name });
    expect(onCard).not.toHaveProperty('onlyIfFaster');
    const onCpu = [
      describeAvailability(installed(false), [card], {}),
      ...['-1', ''].map((hidden) => describeAvailability(installed(true), [card], { CUDA_VISIBLE_DEVICES: hidden })),
    ];
    for (const found of onCpu) {
      expect(found).toMatchObject({ usable: true, device: 'TensorFlow 2.21.0, CPU', onlyIfFaster: true });
    }
  });

  it('does not let a CUDA build compute on the CPU unasked', () => {
    expect(describeAvailability(installed(true), [], {})).toMatchObject({
      usable: false,
      reason: expect.stringContaining('nvidia-smi lists no GPU'),
    });
  });
});
