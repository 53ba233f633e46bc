/** The audit on a disk that is full for a while. `/dev/full` takes nothing, and says what a full disk says. */
import { readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createAuditLog, openAudit } from '../../../../src/coordinator/record/audit-file.ts';
import { auditHeader } from '../../../support/audit-header.ts';
import { needs } from '../../../support/machine-parts.ts';
import { stepEvent } from '../../../support/observed-run.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const { describe, it } = await needs('linux');

const first = '{"type":"step","step":1,"epoch":1,"shares":[["w0",0,32],["w1",32,64]]}\n';
const second = '{"type":"step","step":2,"epoch":1,"shares":[["w0",64,96],["w1",96,128]]}\n';

function begin(mostBytes?: number) {
  const path = join(temporaryFolder(), 'samples.audit');
  openAudit(path, auditHeader());
  const header = readFileSync(path, 'utf8');
  return {
    log: createAuditLog(path, mostBytes),
    fill() {
      renameSync(path, `${path}.away`);
      symlinkSync('/dev/full', path);
    },
    empty() {
      rmSync(path);
      renameSync(`${path}.away`, path);
    },
    /** After the header. */
    content: () => readFileSync(path, 'utf8').slice(header.length),
  };
}

describe('the audit on a full disk', () => {
  it('has every step and every way back once there is room, in order', () => {
    const { log, fill, empty, content } = begin();
    log.step(stepEvent(0));
    fill();
    for (const step of [1, 2]) log.step(stepEvent(step));
    log.rollBack(1);
    for (const step of [1, 2]) log.step(stepEvent(step));
    expect(log.file.failure?.message).toContain('ENOSPC');
    empty();
    log.step(stepEvent(3));
    expect(content()).toBe(`${first}1\n1\n{"type":"resume","step":1}\n${second}1\n1\n`);
    expect(log.file.failure).toBeUndefined();
  });

  it('says of the first step after those that were too many to wait what it applied', () => {
    const { log, fill, empty, content } = begin(4);
    log.step(stepEvent(0));
    fill();
    for (const step of [1, 2, 3, 4]) log.step(stepEvent(step));
    empty();
    log.file.flush();
    for (const step of [5, 6]) log.step(stepEvent(step));
    const sixth = '{"type":"step","step":6,"epoch":1,"shares":[["w0",320,352],["w1",352,384]]}\n';
    expect(content()).toBe(`${first}1\n1\n${sixth}1\n`);
    expect(log.file.lostBytes).toBeGreaterThan(0);
  });
});
