import { describe, expect, it } from 'vitest';
import { requireKnownVariables } from '../../../src/cli/known-variables.ts';
import { integer } from '../../../src/settings/schemas.ts';

const own = { rareSetting: { type: 'string', describe: 'only here', schema: integer(1, 2) } } as const;
const check = (environment: Readonly<Record<string, string>>) => requireKnownVariables(environment, own);

describe('the environment', () => {
  it.each([
    [{}],
    [{ HOME: '/root', PENNYGRADX: '1' }],
    [{ PENNYGRAD_RARE_SETTING: '1' }],
    // Settings of other commands: one environment serves several.
    [{ PENNYGRAD_BATCH_SIZE: '32', PENNYGRAD_CONNECT: 'tcp://a:1', PENNYGRAD_REPEAT: '3' }],
    [
      {
        PENNYGRAD_HOME: '/opt',
        PENNYGRAD_CONFIG: 'a.yaml',
        PENNYGRAD_WASM_SIMD: 'simd',
        PENNYGRAD_WEBGPU_ADAPTER: '1',
      },
    ],
    // Compose files pass what is not set as the empty text.
    [{ PENNYGRAD_BACTH_SIZE: '' }],
    // Kubernetes describes a service named pennygrad.
    [{ PENNYGRAD_SERVICE_HOST: '10.0.0.1', PENNYGRAD_SERVICE_PORT_METRICS: '1', PENNYGRAD_PORT: 'tcp://10.0.0.1:1' }],
    [{ PENNYGRAD_PORT_5555_TCP_ADDR: '10.0.0.1' }],
  ])('may have %j', async (environment) => {
    await expect(check(environment)).resolves.toBeUndefined();
  });

  it.each([
    [
      'PENNYGRAD_BACTH_SIZE',
      /^the environment variable PENNYGRAD_BACTH_SIZE is not a setting; did you mean PENNYGRAD_BATCH_SIZE\?$/,
    ],
    ['PENNYGRAD_RARE_SETING', /PENNYGRAD_RARE_SETING is not a setting/],
    [
      'PENNYGRAD_PRICE_PER_CENTURY',
      /PENNYGRAD_PRICE_PER_CENTURY is not a setting; a setting's variable has the name of its flag/,
    ],
  ])('may not have %s', async (name, message) => {
    await expect(check({ [name]: '1' })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(message),
    });
  });
});
