import { describe, expect, it } from 'vitest';
import { explainFailure } from '../../../src/setup/failures.ts';
import { wrongVersion } from '../../../src/setup/python-environment.ts';

const ended = (stderr: string) => ({ code: 1, stdout: '', stderr, missing: false });

describe('what a failed program said', () => {
  it.each([
    [
      "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3>: Failed " +
        "to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/tensorflow-cpu/\n" +
        'ERROR: Could not find a version that satisfies the requirement tensorflow-cpu==2.21.0 (from versions: none)\n' +
        'ERROR: No matching distribution found for tensorflow-cpu==2.21.0\n',
      /the package registry cannot be reached; check the network/,
    ],
    [
      'npm error code ENOTFOUND\nnpm error errno ENOTFOUND\nnpm error network request failed',
      /registry cannot be reached/,
    ],
    [
      'ERROR: Could not find a version that satisfies the requirement tensorflow-cpu==2.21.0 (from versions: 2.13.0)\n' +
        'ERROR: No matching distribution found for tensorflow-cpu==2.21.0\n',
      /no wheel for this Python and processor; .*--python/,
    ],
    ['ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n', /disk is full; free/],
    ['npm error code ENOSPC\nnpm error nospc ENOSPC: no space left on device, write\n', /disk is full/],
    [
      'The virtual environment was not created successfully because ensurepip is not\navailable.  On Debian/Ubuntu ' +
        'systems, you need to install the python3-venv\npackage using the following command.\n',
      /lacks venv or pip; .*apt install python3-venv/,
    ],
    ['error: externally-managed-environment\n\n× This environment is externally managed\n', /belongs to the system/],
    ['../binding/tfjs_backend.h:18:10: fatal error: node_api.h: No such file or directory', /Node's header files/],
  ])('is explained, with what to do: %#', (stderr, expected) => {
    const error = explainFailure('installing it', 'pip', ended(stderr));
    expect(error.message).toMatch(expected);
    expect(error.message).toMatch(/^installing it failed: [^\n]*$/);
    expect(error.code).toBe('bad-input');
  });

  it('is repeated where it is not known', () => {
    expect(
      explainFailure('building', 'make', ended('note\nx.cc:1: error: odd\nmake: *** [x] stopped\n\n')).message,
    ).toBe('building failed: make ended with 1: x.cc:1: error: odd');
    expect(explainFailure('building', 'make', ended('')).message).toBe('building failed: make ended with 1: no output');
    const missing = { code: undefined, stdout: '', stderr: 'spawn make ENOENT', missing: true };
    expect(explainFailure('building', 'make', missing).message).toBe(
      'building failed: make is not installed; install it',
    );
  });
});

describe('wrongVersion', () => {
  it.each([
    [[3, 9], /is version 3\.9, but TensorFlow .* needs 3\.10 to 3\.13/],
    [[2, 7], /is version 2\.7/],
    [[3, 14], /is version 3\.14/],
  ])('refuses Python %j', (version, expected) => expect(wrongVersion(version)).toMatch(expected));

  it.each([[[3, 10]], [[3, 13]]])('accepts Python %j', (version) => expect(wrongVersion(version)).toBeUndefined());
});
