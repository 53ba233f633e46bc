/** A generation lost a member: what is under way comes to nothing, and the run may go on with another generation. */
import { PennygradError } from '../../shared/core/errors.ts';

export class MemberLost extends PennygradError {
  /** @param message names the worker, what it was doing, and why it is lost */
  constructor(message: string) {
    super('quorum-lost', message);
  }
}
