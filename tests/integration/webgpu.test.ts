import { describe, it } from 'vitest';
import { engineFolder } from '../../src/shared/engine/engine-folder.ts';
import { webgpuProvider } from '../../src/shared/engine/engines.ts';
import { describeEngine } from '../contract/engine.contract.ts';

const webgpu = webgpuProvider(engineFolder('webgpu', process.env));
const availability = await webgpu.probe();

if (availability.usable) describeEngine(`webgpu on ${availability.device}`, webgpu);
else describe.skip('webgpu engine', () => it(`${availability.reason}; ${availability.remedy}`, () => {}));
