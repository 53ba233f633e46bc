/** A model cannot be captured, because of one operation. */
export class UntraceableError extends Error {
  constructor(operation: string, reason: string) {
    super(`${operation}: ${reason}`);
  }
}
