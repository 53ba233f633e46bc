import { describe, expect, it } from 'vitest';
import { createExportReport } from '../../../../../src/coordinator/metrics/otlp/export-report.ts';

const create = () => createExportReport({ namedBy: '--otlp', url: 'http://me:secret@c:4318/v1/metrics' });
const refused = new Error('connect ECONNREFUSED 127.0.0.1:4318');

describe('the report of exports', () => {
  it('says at the first failure what failed, where, and what to look at, and no more of the next ones', () => {
    const report = create();
    expect(report.failed(refused)).toBe(
      '--otlp: metrics could not be exported to http://c:4318/v1/metrics: connect ECONNREFUSED 127.0.0.1:4318; ' +
        'is an OTLP receiver for HTTP running there?',
    );
    expect(report.failed(refused)).toBeUndefined();
    report.succeeded();
    expect(report.failed(refused)).toBeUndefined();
  });

  it('names the status of an answer, with its reason if people can read it', () => {
    const causeOf = (data: string) =>
      create()
        .failed(Object.assign(new Error('Not Found'), { code: 404, data }))
        ?.match(/v1\/metrics: (.*); is an/)?.[1];
    expect(causeOf('the receiver is not enabled\n')).toBe('HTTP 404 Not Found (the receiver is not enabled)');
    for (const body of ['', '\x12\x07binary', '<!doctype html>']) expect(causeOf(body)).toBe('HTTP 404 Not Found');
  });

  it('names what the first address of a host said', () => {
    expect(create().failed(new AggregateError([refused, new Error('other')]))).toContain(': connect ECONNREFUSED');
  });

  it('ends with a line when the last export failed as others had', () => {
    const report = create();
    report.succeeded();
    report.failed(refused);
    report.failed(refused);
    expect(report.ended()).toBe(
      '--otlp: 2 of 3 exports to http://c:4318/v1/metrics failed, including the last: the receiver lacks the end of the run',
    );
  });

  it('ends with none when all is said, or was made good', () => {
    const once = create();
    once.failed(refused);
    expect(once.ended()).toBeUndefined();
    const recovered = create();
    recovered.failed(refused);
    recovered.failed(refused);
    recovered.succeeded();
    expect(recovered.ended()).toBeUndefined();
  });

  it('repeats each remark of the library once, in a line', () => {
    const report = create();
    expect(report.remarked('points were rejected\n at x')).toBe('--otlp: points were rejected');
    expect(report.remarked('points were rejected\n at y')).toBeUndefined();
    expect(report.remarked('something else')).toBe('--otlp: something else');
  });
});
