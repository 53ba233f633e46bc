/** A model cannot be traced because of one of its operations. The message names it. */
export class UntraceableError extends Error {
  constructor(operation: string, reason: string) {
    super(`${operation}: ${reason}`);
  }
}
