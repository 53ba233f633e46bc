import { expect, it } from 'vitest';
import { describeListening, serverUrl } from '../../../../src/shared/core/server-url.ts';

it.each([
  ['127.0.0.1', 'http://127.0.0.1:9464/', ''],
  ['alpha', 'http://alpha:9464/', ''],
  ['::1', 'http://[::1]:9464/', ''],
  ['0.0.0.0', 'http://localhost:9464/', ' · listening on every address of this host (0.0.0.0)'],
  ['::', 'http://localhost:9464/', ' · listening on every address of this host (::)'],
])('a server on %s is found at %s', (host, url, listening) => {
  expect(serverUrl({ host, port: 9464 }, '/')).toBe(url);
  expect(describeListening(host)).toBe(listening);
});
