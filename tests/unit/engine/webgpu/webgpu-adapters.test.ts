import { describe, expect, it } from 'vitest';
import {
  adapterOf,
  chooseAdapter,
  describeAdapter,
  isSoftware,
  parseListing,
} from '../../../../src/engine/webgpu/webgpu-adapters.ts';

describe('parseListing', () => {
  it("finds the adapters in Dawn's message, in order", () => {
    // As Dawn words it, with the names of three drivers.
    const message = [
      'no suitable backends found',
      'Available adapters:',
      " * backend: 'vulkan', name: 'NVIDIA A10'",
      " * backend: 'vulkan', name: 'Intel(R) Arc(tm) A770 Graphics (DG2)'",
      " * backend: 'opengles', name: 'llvmpipe (LLVM 15.0.6, 256 bits)'",
    ].join('\n');
    expect(parseListing(message)).toEqual([
      { backend: 'vulkan', name: 'NVIDIA A10' },
      { backend: 'vulkan', name: 'Intel(R) Arc(tm) A770 Graphics (DG2)' },
      { backend: 'opengles', name: 'llvmpipe (LLVM 15.0.6, 256 bits)' },
    ]);
  });

  it('finds none in another message', () => {
    expect(parseListing("unrecognised backend 'foo'")).toEqual([]);
  });
});

describe('chooseAdapter', () => {
  const vulkan = (name: string) => ({ backend: 'vulkan', name });
  const software = vulkan('llvmpipe (LLVM 15.0.6, 256 bits)');

  it('takes the first that is hardware', () => {
    expect(chooseAdapter([vulkan('NVIDIA A10'), vulkan('Intel Arc')])).toMatchObject({ index: 0, name: 'NVIDIA A10' });
    expect(chooseAdapter([software, vulkan('NVIDIA A10')])).toMatchObject({ index: 1, name: 'NVIDIA A10' });
    expect(chooseAdapter([software])).toMatchObject({ index: 0, name: software.name });
  });

  it('takes the one asked for', () => {
    expect(chooseAdapter([vulkan('NVIDIA A10'), software], '1')).toMatchObject({ index: 1, name: software.name });
  });

  it.each(['2', '-1', '0.5', 'NVIDIA'])('refuses %s, and names what there is', (index) => {
    expect(() => chooseAdapter([vulkan('NVIDIA A10'), software], index)).toThrow(
      `PENNYGRAD_WEBGPU_ADAPTER must be the number of an adapter, got '${index}'; ` +
        'adapters here: 0 (NVIDIA A10), 1 (llvmpipe (LLVM 15.0.6, 256 bits))',
    );
  });

  it('refuses one that Dawn, which goes by name, would mistake for another', () => {
    const twins = [vulkan('NVIDIA A10'), vulkan('NVIDIA A10')];
    expect(chooseAdapter(twins, '0').index).toBe(0);
    expect(() => chooseAdapter(twins, '1')).toThrow(/adapter 1 cannot be told from adapter 0/);
    expect(() => chooseAdapter([vulkan('NVIDIA A100'), vulkan('NVIDIA A10')], '1')).toThrow(/cannot be told/);
    const apart = [vulkan('NVIDIA A10'), { backend: 'opengl', name: 'NVIDIA A10' }];
    expect(chooseAdapter(apart, '1')).toMatchObject({ index: 1, backend: 'opengl' });
  });
});

it('gives each local worker its adapter, in turn', () => {
  const of = (choice: string | undefined) =>
    [0, 1, 2].map((rank) => adapterOf({ PENNYGRAD_WEBGPU_ADAPTER: choice }, rank));
  expect(of('0, 2')).toEqual(['0', '2', '0']);
  expect(of('1')).toEqual(['1', '1', '1']);
  expect(of('')).toEqual([undefined, undefined, undefined]);
  expect(of(undefined)).toEqual([undefined, undefined, undefined]);
});

it('knows software by the names that its makers give it', () => {
  const software = [
    'SwiftShader Device (Subzero)',
    'llvmpipe (LLVM 15.0.6, 256 bits)',
    'Microsoft Basic Render Driver',
  ];
  expect(software.filter(isSoftware)).toEqual(software);
  const hardware = [
    'NVIDIA GeForce RTX 3060',
    'AMD Radeon RX 6600 (RADV NAVI23)',
    'Apple M1 Max',
    'Intel(R) Arc(tm) A770',
  ];
  expect(hardware.filter(isSoftware)).toEqual([]);
  const adapter = { backend: 'vulkan', name: 'llvmpipe', index: 0, software: true };
  expect(describeAdapter(adapter)).toBe('llvmpipe (vulkan, software)');
});
