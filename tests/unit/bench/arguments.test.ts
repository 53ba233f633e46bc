import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../../src/bench/peers/arguments.ts';
import { parseCores, pinned } from '../../../src/bench/peers/cores.ts';

describe('parseArguments', () => {
  it('has a default for everything', () => {
    expect(parseArguments([])).toEqual({
      'batch-sizes': [32, 64],
      seconds: 3,
      rounds: 3,
      steps: 938,
      engines: ['tensorflow', 'webgpu', 'wasm', 'cpu'],
      peers: ['torch', 'keras', 'tfjs-node'],
    });
  });

  it('takes lists', () => {
    const args = [
      '--batch-sizes',
      '128',
      '--peers',
      'torch,keras',
      '--engines',
      'wasm',
      '--cores',
      '2,4',
      '--json',
      'f',
    ];
    expect(parseArguments([...args, '--seconds', '0.5', '--steps', '0'])).toMatchObject({
      'batch-sizes': [128],
      peers: ['torch', 'keras'],
      engines: ['wasm'],
      cores: [2, 4],
      json: 'f',
      seconds: 0.5,
      steps: 0,
    });
    expect(parseArguments(['--peers', 'none'])).toMatchObject({ peers: [] });
    expect(parseArguments(['--help'])).toBe('help');
  });

  it.each([
    [['--batch-sizes', '32,x'], "--batch-sizes must be whole numbers, for example 32,64, got '32,x'"],
    [['--batch-sizes', '33'], "--batch-sizes must be even, since two processes share a batch, got '33'"],
    [['--seconds', '0'], "--seconds must be greater than 0, got '0'"],
    [['--rounds', '0'], "--rounds must be at least 1, got '0'"],
    [['--steps', '1.5'], "--steps must be a whole number, got '1.5'"],
    [['--peers', 'jax'], "--peers must be none, or some of torch, keras, tfjs-node, got 'jax'"],
    [['--engines', 'tpu'], "--engines must be some of tensorflow, webgpu, wasm, cpu, got 'tpu'"],
    [['--cores', 'all'], "--cores must be core numbers such as 0,1 or 0-1, got 'all'"],
    [['--repeat', '3'], "Unknown option '--repeat' (see npm run bench:engines -- --help)"],
  ])('%j is one line that says what is wrong', (args, message) => {
    expect(() => parseArguments(args)).toThrow(expect.objectContaining({ message, code: 'bad-input' }));
  });
});

describe('cores', () => {
  it('are read as Linux writes them', () => {
    expect(parseCores('0-2,5')).toEqual([0, 1, 2, 5]);
  });

  it('pin a command, or leave it alone', () => {
    const command = { program: 'node', args: ['x.js'], environment: { A: '1' } };
    expect(pinned(command, [3])).toEqual({ ...command, program: 'taskset', args: ['-c', '3', 'node', 'x.js'] });
    expect(pinned(command, undefined)).toBe(command);
  });
});
