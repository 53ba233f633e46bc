import { printable } from '../shared/core/printable.ts';

/** On stderr. File names and what files hold may have control characters, which a terminal would obey. */
export function printWarning(line: string): void {
  console.error(`pennygrad: warning: ${printable(line)}`);
}
