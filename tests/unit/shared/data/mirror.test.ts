import { afterEach, expect, test } from 'vitest';
import { type DownloadProgress, download } from '../../../../src/shared/data/mirror.ts';
import {
  type Answer,
  dripping,
  type MirrorServer,
  silent,
  stalled,
  startMirror,
  status,
  truncated,
  unreachableUrl,
  whole,
} from '../../../support/mirror-server.ts';

const bytes = Buffer.alloc(50_000, 'archive');
const patient = { connect: 20, stall: 20, total: 20 };
const servers: MirrorServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(answer: Answer): Promise<string> {
  const server = await startMirror({ file: answer });
  servers.push(server);
  return `${server.url}file`;
}

const ignore = () => {};

test('a file arrives whole, and its progress is told', async () => {
  const seen: DownloadProgress[] = [];
  const url = await serve(whole(bytes));
  const received = await download(url, bytes.length, patient, (progress) => seen.push(progress));
  expect(Buffer.compare(received, bytes)).toBe(0);
  expect(seen.at(-1)).toEqual({ url, receivedBytes: bytes.length, totalBytes: bytes.length });
});

test('a slow mirror is waited for while bytes keep coming', async () => {
  const url = await serve(dripping(bytes, 4000, 40));
  // 13 pieces, 40 ms apart: longer in all than the silence that would be too long.
  const received = await download(url, bytes.length, { ...patient, stall: 0.45 }, ignore);
  expect(Buffer.compare(received, bytes)).toBe(0);
});

test.each<[string, Answer, Partial<typeof patient>, RegExp]>([
  ['not found', status(404), {}, /: HTTP 404 Not Found$/],
  ['failing', status(503), {}, /: HTTP 503/],
  ['never answering', silent, { connect: 0.1 }, /: no answer within 0\.1 s$/],
  ['stalled', stalled(bytes, 1000), { stall: 0.1 }, /: stalled after 1000 bytes: no more came within 0\.1 s$/],
  ['stalled after the header', stalled(bytes, 0), { connect: 0.1, stall: 0.1 }, /within 0\.1 s$/],
  ['dripping', dripping(bytes, 10, 10), { total: 0.2 }, /: not complete within 0\.2 s$/],
  ['cut off', truncated(bytes, 1000), {}, /: the connection was cut off before the end$/],
  ['too large, announced', whole(Buffer.alloc(50_001)), {}, /: oversized: expected at most 50000 bytes, found 50001/],
  ['too large, unannounced', dripping(Buffer.alloc(60_000), 30_000, 5), {}, /: oversized: expected at most 50000/],
])('a mirror that is %s is an error with the URL', async (_, answer, deadlines, message) => {
  const url = await serve(answer);
  const failure = download(url, bytes.length, { ...patient, ...deadlines }, ignore);
  await expect(failure).rejects.toThrow(message);
  await expect(failure).rejects.toThrow(url);
  await expect(failure).rejects.toMatchObject({ code: 'bad-input' });
});

test('a mirror that is not there is unreachable', async () => {
  const url = await unreachableUrl();
  await expect(download(url, 10, patient, ignore)).rejects.toThrow(`${url}: unreachable (ECONNREFUSED)`);
});
