import type { AuditHeader } from '../../src/run-folder/audit/audit-line.ts';

/** What an audit says first: 10 samples in batches of 4, three steps an epoch, unless a test says otherwise. */
export function auditHeader(overrides: Partial<AuditHeader> = {}): AuditHeader {
  return {
    runId: 'r1',
    version: '0.1.0',
    seed: 7,
    trainCount: 10,
    batchSize: 4,
    datasetDigest: 'a1b2',
    ...overrides,
  };
}
