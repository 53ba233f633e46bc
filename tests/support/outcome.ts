import { promisesSettle } from './virtual-time.ts';

export type Outcome<Value> = 'pending' | { readonly value: Value } | { readonly error: string };

/**
 * What has become of a promise after a turn of the event loop: a wait that never ends shows as `pending`, at once, and
 * not as a test that hangs. Errors by their message.
 */
export async function outcomeOf<Value>(promise: Promise<Value>): Promise<Outcome<Value>> {
  let outcome: Outcome<Value> = 'pending';
  promise.then(
    (value) => {
      outcome = { value };
    },
    (error: unknown) => {
      outcome = { error: error instanceof Error ? error.message : String(error) };
    },
  );
  await promisesSettle();
  return outcome;
}
