/** Reads the folder of a run: its samples.audit, and what other files say of the same samples. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkEvidence, type Evidence } from '../../../../src/run-folder/audit/check-evidence.ts';
import { auditRun, readAudit, readEvidence } from '../../../../src/run-folder/audit/read-audit.ts';
import { verifyAudit } from '../../../../src/run-folder/audit/verify-audit.ts';
import { auditHeader } from '../../../support/audit-header.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { damagedRecordOf, fileOf, noEvidence, recordOf } from './audited-run.ts';

const header = fileOf(auditHeader(), []);
const step = (number: number, from: number, to: number) =>
  `${JSON.stringify({ type: 'step', step: number, epoch: 1, shares: [['w0', from, to]] })}\n`;

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

describe('samples.audit', () => {
  test('is read without a last line that a kill cut off', async () => {
    const record = await readAudit(folderWith({ 'samples.audit': `${header}${step(1, 0, 4)}1` }));
    expect(record.highestStep).toBe(1);
  });

  test('with no line is bad input', async () => {
    const folder = folderWith({ 'samples.audit': '{"type":"au' });
    await expect(auditRun(folder)).rejects.toMatchObject({
      code: 'bad-input',
      message: `${join(folder, 'samples.audit')}: has no whole line`,
    });
  });

  const config = {
    run_id: 'r1',
    settings: { seed: 7, batchSize: 4 },
    dataset: { digest: 'a1b2', train: 10 },
  };
  const whole = `${step(1, 0, 4)}${step(2, 4, 8)}${step(3, 8, 10)}`;

  test.each([
    ['a line of more than a mebibyte', `"${'x'.repeat(2 ** 20)}"\n${whole}`, ['line 1: longer than 1048576 bytes']],
    ['a damaged header', `${header.slice(9)}${whole}`, ['line 1: no JSON']],
    ['no header', whole, ['line 1: the file does not begin with its header, {"type":"audit",…}']],
    ['the header of a version to come', `${header.replace('"v":1', '"v":2')}${whole}`, [/^line 1: v: expected 1/]],
    ['a damaged line', `${header}\0\0\n${whole}`, ['line 2: no JSON']],
  ])('with %s is not proved, and the rest of it is counted', async (_, text, messages) => {
    const folder = folderWith({ 'samples.audit': text, 'config.json': JSON.stringify(config) });
    const { proved, problems, epochs, header: told } = await auditRun(folder);
    expect(proved).toBe(false);
    expect(problems.map(({ message }) => message)).toEqual(
      messages.map((message) => (typeof message === 'string' ? message : expect.stringMatching(message))),
    );
    expect(epochs).toMatchObject([{ epoch: 1, steps: 3, once: 10, missing: 0, repeated: 0 }]);
    expect(told).toMatchObject({ runId: 'r1', seed: 7, trainCount: 10, batchSize: 4, datasetDigest: 'a1b2' });
  });

  test('whose header is damaged is bad input where no other file says which samples the run has', async () => {
    const text = `${header.slice(9)}${whole}`;
    const { train: _, ...dataset } = config.dataset;
    for (const files of [{}, { 'config.json': JSON.stringify({ ...config, dataset }) }]) {
      const folder = folderWith({ 'samples.audit': text, ...files });
      await expect(auditRun(folder)).rejects.toMatchObject({
        code: 'bad-input',
        message: `${join(folder, 'samples.audit')}: line 1: no JSON; config.json doesn't say which samples the run has either`,
      });
    }
  });

  test('that is not there is bad input', async () => {
    const folder = temporaryFolder();
    await expect(readAudit(folder)).rejects.toThrow(
      `${folder}: has no samples.audit: it holds no run, or one of an older`,
    );
    await expect(readAudit(join(folder, 'x'))).rejects.toThrow('no such folder');
  });
});

describe('what other files of the run say', () => {
  test.each([
    ['is missing', {}, [/^config\.json cannot be compared: .*config\.json/]],
    [
      'is damaged',
      { 'config.json': '{', 'summary.json': '{', checkpoints: 'a file' },
      [
        /^config\.json cannot be compared: .*config\.json: .*JSON/,
        /^summary\.json cannot be compared: .*summary\.json: not a summary/,
      ],
    ],
    ['is something else', { 'config.json': 'null' }, [/^config\.json cannot be compared: .*config\.json: /]],
  ])('that %s does not count as agreeing', (_, files, messages) => {
    const { unread, ...evidence } = readEvidence(folderWith(files));
    expect({ unread: [], ...evidence }).toEqual(noEvidence);
    expect(unread.map(({ message }) => message)).toEqual(messages.map((text) => expect.stringMatching(text)));
    const report = verifyAudit(recordOf(`${header}${step(1, 0, 4)}`), { ...noEvidence, unread });
    expect(report).toMatchObject({ proved: false, problems: unread });
  });

  test('has settings and the newest checkpoint', () => {
    const config = {
      run_id: 'r1',
      pennygrad: '0.1.0',
      settings: { seed: 7, batchSize: 4 },
      dataset: { digest: 'a1b2', train: 10 },
    };
    const folder = folderWith({ 'config.json': JSON.stringify(config) });
    for (const name of ['step-9', 'step-10', '.step-11.draft'])
      mkdirSync(join(folder, 'checkpoints', name), { recursive: true });
    expect(readEvidence(folder)).toEqual({
      unread: [],
      config: { runId: 'r1', version: '0.1.0', seed: 7, batchSize: 4, datasetDigest: 'a1b2', trainCount: 10 },
      summary: undefined,
      savedStep: 10,
    });
  });
});

const config = { runId: 'r1', version: '0.1.0', seed: 7, batchSize: 4, datasetDigest: 'a1b2', trainCount: 10 };
const summary = {
  runId: 'r1',
  seed: 7,
  batchSize: 4,
  trainCount: 10,
  steps: 2,
  workers: new Map([['w0', 8]]),
  isComplete: true,
};
const audited = { header: auditHeader(), steps: 2, highestStep: 2, workers: new Map([['w0', 8]]) };
const problemsOf = (evidence: Partial<Evidence>) =>
  checkEvidence(audited, { ...noEvidence, ...evidence }).map(({ message }) => message);

describe('a file of the run that says something else is named', () => {
  test('unless all say the same', () => {
    expect(problemsOf({ config, summary })).toEqual([]);
    // Former workers are in no summary.
    expect(problemsOf({ summary: { ...summary, workers: new Map() } })).toEqual([]);
  });

  test.each([
    [{ runId: 'r2' }, 'config.json has run r2, the header of samples.audit r1'],
    [{ seed: 8 }, 'config.json has seed 8, the header of samples.audit 7'],
    [{ batchSize: 5 }, 'config.json has batch size 5, the header of samples.audit 4'],
    [{ datasetDigest: 'c3' }, 'config.json has dataset c3, the header of samples.audit a1b2'],
  ])('config.json with %j', (change, problem) => {
    expect(problemsOf({ config: { ...config, ...change } })).toEqual([problem]);
  });

  test.each([
    [{ runId: 'r2' }, 'summary.json has run r2, the header of samples.audit r1'],
    [{ seed: 8 }, 'summary.json has seed 8, the header of samples.audit 7'],
    [{ batchSize: 5 }, 'summary.json has batch size 5, the header of samples.audit 4'],
    [{ trainCount: 11 }, 'summary.json has training samples 11, the header of samples.audit 10'],
    [{ steps: 3 }, 'summary.json has 3 steps, of which samples.audit ends after 2'],
    [{ workers: new Map([['w1', 1]]) }, 'summary.json has 1 samples of w1, samples.audit 0'],
  ])('summary.json with %j', (change, problem) => {
    expect(problemsOf({ summary: { ...summary, ...change } })).toEqual([problem]);
  });
});

describe('an audit says', () => {
  const messagesOf = (text: string, evidence: Partial<Evidence> = {}) =>
    verifyAudit(recordOf(text), { ...noEvidence, ...evidence }).problems.map(({ message }) => message);

  test.each([
    ['which steps are missing', `${step(1, 0, 4)}${step(3, 8, 10)}`, 'step 2 is missing before line 3'],
    [
      'which are there again',
      `${step(1, 0, 4)}1\n${step(1, 0, 4)}1\n`,
      'steps 1 to 2 are there again in line 4, without a resume',
    ],
    [
      'which are of other positions',
      step(1, 0, 5),
      'line 2: step 1: the shares are of positions 0 to 4, the global batch is positions 0 to 3',
    ],
    [
      'which hold nothing',
      step(1, 4, 4),
      'line 2: step 1: the shares are of no positions, the global batch is positions 0 to 3',
    ],
    [
      'which run past the end of their epoch',
      `${step(1, 0, 4)}1\n1\n1\n`,
      'line 2: step 4: recorded in epoch 1, of epoch 2',
    ],
    [
      'which share leaves a gap',
      step(1, 0, 3).replace('["w0",0,3]', '["w0",0,2],["w1",3,4]'),
      'line 2: step 1: nobody has position 2',
    ],
    [
      'which shares overlap',
      `${step(1, 0, 3).replace('["w0",0,3]', '["w0",0,3],["w1",1,4]')}1\n`,
      'line 2: steps 1 to 2: in step 1 w0 and w1 both have positions 1 to 2',
    ],
  ])('%s', (_, steps, problem) => {
    expect(messagesOf(`${header}${steps}`)).toContain(problem);
  });

  test('once what is there again, and nothing of the steps after it', () => {
    const text = `${header}${step(1, 0, 4)}1\n${step(1, 0, 4)}${step(3, 8, 10)}`;
    expect(messagesOf(text)).toEqual(['step 1 is there again in line 4, without a resume']);
  });

  test('which lines are damaged, and which cannot be placed because of it', () => {
    const text = `${header}${step(1, 0, 4)}\0\n1\n1\n${step(3, 8, 10)}`;
    const messages = (file: string) =>
      verifyAudit(damagedRecordOf(file), noEvidence).problems.map(({ message }) => message);
    expect(messages(text)).toEqual([
      'line 3: no JSON',
      '2 lines from line 4 on repeat steps of a damaged line, and count nowhere',
      'step 2 is missing before line 6',
    ]);
    const { problems, problemCount } = verifyAudit(damagedRecordOf(`${header}${'x\n'.repeat(5000)}`), noEvidence);
    expect(problems).toHaveLength(100);
    expect(problemCount).toBe(5000);
  });

  test('which steps of the checkpoint the file lacks, and which the checkpoint lacks', () => {
    expect(messagesOf(`${header}${step(1, 0, 4)}`, { savedStep: 3 })).toEqual([
      'steps 2 to 3 are missing at the end: checkpoints/step-3 has them',
    ]);
    const report = verifyAudit(recordOf(`${header}${step(1, 0, 4)}1\n`), { ...noEvidence, savedStep: 1 });
    expect(report).toMatchObject({ proved: true, unsavedSteps: 1 });
  });

  test('what an epoch lacks of which there is no step', () => {
    const second = step(4, 0, 4).replace('"epoch":1', '"epoch":2');
    const report = verifyAudit(recordOf(`${header}${second}`), noEvidence);
    expect(report.epochs).toMatchObject([
      { epoch: 1, steps: 0, missing: 10, missingSamples: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] },
      { epoch: 2, steps: 1, missing: 0, once: 4 },
    ]);
    expect(report.proved).toBe(false);
  });

  test('the first of many problems, and how many there are', () => {
    const many = Array.from({ length: 150 }, (_, index) => step(2 * index + 1, 0, 10)).join('');
    const { problems, problemCount } = verifyAudit(recordOf(`${header}${many}`), noEvidence);
    expect(problems).toHaveLength(100);
    expect(problemCount).toBeGreaterThan(150);
  });
});
