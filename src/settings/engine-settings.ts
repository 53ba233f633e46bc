/** What workers compute with. */
import { engineNames } from '../engine/engine.ts';
import { choice, integer } from './schemas.ts';
import type { Parsed, SettingsTable } from './setting.ts';

export const engineSettings = {
  backend: {
    type: 'string',
    describe: `Engine: ${engineNames.join(', ')}, or auto (the fastest that works here, by a short trial if there are several)`,
    defaultText: 'auto',
    schema: choice(['auto', ...engineNames]).default('auto'),
  },
  threads: {
    type: 'string',
    describe: 'Cores per worker, with backend wasm or tensorflow',
    defaultText: '1; tensorflow: an even share of the cores',
    schema: integer(1, 256).optional(),
  },
} as const satisfies SettingsTable;

export type EngineConfig = Parsed<typeof engineSettings>;
