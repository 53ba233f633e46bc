import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isSetUp, loadDawn, manifestPath, webgpuPackages } from '../../../../src/engine/webgpu/webgpu-packages.ts';
import { webgpuProvider } from '../../../../src/engine/webgpu/webgpu-provider.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

it("takes the backend of the version of pennygrad's tfjs-core, exactly", () => {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(webgpuPackages['@tensorflow/tfjs-backend-webgpu']).toBe(dependencies['@tensorflow/tfjs-core']);
  expect(peerDependencies).toMatchObject(webgpuPackages);
});

it('is set up only where a manifest says so, of these versions', async () => {
  const folder = temporaryFolder();
  expect(await isSetUp(folder)).toBe(false);
  const write = (manifest: string) => writeFileSync(manifestPath(folder), manifest);
  write('half a mani');
  expect(await isSetUp(folder)).toBe(false);
  write(JSON.stringify({ packages: { ...webgpuPackages, webgpu: '0.0.1' } }));
  expect(await isSetUp(folder)).toBe(false);
  write(JSON.stringify({ packages: webgpuPackages }));
  expect(await isSetUp(folder)).toBe(true);
});

it('says how to set it up where it is not', async () => {
  expect(await webgpuProvider(temporaryFolder()).probe()).toEqual({
    usable: false,
    reason: 'it is not set up',
    remedy: 'run: pennygrad setup webgpu',
    notInstalled: true,
  });
});

it('says which package does not load, and what to do', async () => {
  const folder = temporaryFolder();
  await expect(loadDawn(folder)).rejects.toThrow(/npm package webgpu in .* does not load .* pennygrad setup webgpu/);
  const broken = join(folder, 'node_modules', 'webgpu');
  mkdirSync(broken, { recursive: true });
  writeFileSync(join(broken, 'package.json'), '{"type":"module"}');
  writeFileSync(join(broken, 'index.js'), "throw new Error('no build for this machine');");
  await expect(loadDawn(folder)).rejects.toThrow(/does not load on \S+ \(no build for this machine\)/);
  writeFileSync(manifestPath(folder), JSON.stringify({ packages: webgpuPackages }));
  expect(await webgpuProvider(folder).probe()).toMatchObject({
    usable: false,
    reason: expect.stringContaining('no build for this machine'),
  });
});
