import { describe } from 'vitest';
import { tensorflowProvider } from '../../src/shared/engine/engines.ts';
import { describeEngine } from './engine.contract.ts';

const availability = await tensorflowProvider.probe();
const why = availability.usable ? '' : ` (skipped: ${availability.reason}; ${availability.remedy})`;

describe.skipIf(!availability.usable)(`tensorflow${why}`, () => describeEngine('tensorflow', tensorflowProvider));
