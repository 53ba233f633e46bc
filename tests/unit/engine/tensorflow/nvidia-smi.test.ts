import { describe, expect, it } from 'vitest';
import { type ProgramResult, runProgram } from '../../../../src/engine/run-program.ts';
import { listGpus, parseGpus } from '../../../../src/engine/tensorflow/nvidia-smi.ts';

const GiB = 2 ** 30;

describe('parseGpus', () => {
  it('reads every card of a host', () => {
    const cards = parseGpus(
      '0, GPU-5a6e2c0e-8b3d-3f4b-9d0c-1a2b3c4d5e6f, 580.126.16, 81920, 25871, 97, 61, 388.15, NVIDIA A100-SXM4-80GB\n' +
        '1, GPU-0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0, 580.126.16, 81920, 4, 0, 29, 61.22, NVIDIA A100-SXM4-80GB\n',
    );
    expect(cards).toEqual([
      {
        index: 0,
        uuid: 'GPU-5a6e2c0e-8b3d-3f4b-9d0c-1a2b3c4d5e6f',
        name: 'NVIDIA A100-SXM4-80GB',
        driverVersion: '580.126.16',
        memoryTotalBytes: 80 * GiB,
        memoryUsedBytes: 25871 * 2 ** 20,
        utilizationRatio: 0.97,
        temperatureCelsius: 61,
        powerWatts: 388.15,
      },
      {
        index: 1,
        uuid: 'GPU-0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0',
        name: 'NVIDIA A100-SXM4-80GB',
        driverVersion: '580.126.16',
        memoryTotalBytes: 80 * GiB,
        memoryUsedBytes: 4 * 2 ** 20,
        utilizationRatio: 0,
        temperatureCelsius: 29,
        powerWatts: 61.22,
      },
    ]);
  });

  it('leaves out what a card does not report: a GB10 has no memory of its own', () => {
    expect(parseGpus('0, GPU-GB10, 580.173.02, [N/A], [N/A], 0, 39, 3.74, NVIDIA GB10\n')).toEqual([
      {
        index: 0,
        uuid: 'GPU-GB10',
        name: 'NVIDIA GB10',
        driverVersion: '580.173.02',
        utilizationRatio: 0,
        temperatureCelsius: 39,
        powerWatts: 3.74,
      },
    ]);
  });

  it('reads units where an old driver prints them all the same, and other words for nothing', () => {
    expect(
      parseGpus('0, GPU-1, 470.1, 4096 MiB, 10 MiB, [Not Supported], 41, [Unknown Error], Quadro P1000\r\n'),
    ).toEqual([
      {
        index: 0,
        uuid: 'GPU-1',
        name: 'Quadro P1000',
        driverVersion: '470.1',
        memoryTotalBytes: 4 * GiB,
        memoryUsedBytes: 10 * 2 ** 20,
        temperatureCelsius: 41,
      },
    ]);
  });

  it('keeps a comma in a name', () => {
    expect(parseGpus('0, GPU-1, 1.0, 1, 1, 1, 1, 1, Odd, Name')[0]?.name).toBe('Odd, Name');
  });

  it.each(['', '\n', 'No devices were found\n', "NVIDIA-SMI has failed because it couldn't communicate with it.\n"])(
    'finds no card in %j',
    (text) => expect(parseGpus(text)).toEqual([]),
  );
});

describe('listGpus', () => {
  const answering = (result: Partial<ProgramResult>) => async () => ({
    code: 0,
    stdout: '',
    stderr: '',
    missing: false,
    ...result,
  });

  it('finds none where there is no driver, and none where there is no card', async () => {
    expect(await listGpus(() => runProgram('pennygrad-has-no-such-program', []))).toEqual([]);
    expect(await listGpus(answering({ code: 6, stdout: 'No devices were found\n' }))).toEqual([]);
  });

  it('repeats what a broken driver says', async () => {
    const stdout =
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest " +
      'NVIDIA driver is installed and running.\n\n';
    await expect(listGpus(answering({ code: 9, stdout }))).rejects.toThrow(/^nvidia-smi failed: NVIDIA-SMI has failed/);
    const mismatch = 'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.54\n';
    await expect(listGpus(answering({ code: 18, stdout: mismatch }))).rejects.toThrow(/: Failed to initialize NVML/);
    await expect(listGpus(answering({ code: undefined }))).rejects.toThrow(/it did not answer/);
  });

  it('asks for one card, by index or UUID', async () => {
    let asked: readonly string[] = [];
    await listGpus(async (_, args) => {
      asked = args;
      return { code: 0, stdout: '', stderr: '', missing: false };
    }, 'GPU-1');
    expect(asked.join(' ')).toMatch(
      /^--query-gpu=index,uuid,.*power.draw,name --format=csv,noheader,nounits -i GPU-1$/,
    );
  });
});
