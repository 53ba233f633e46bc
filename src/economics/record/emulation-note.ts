/** What must be said wherever figures of an emulated worker are: `emulated at 25 % speed`. */
export function emulationNote(speed: number): string {
  return `emulated at ${Number((speed * 100).toPrecision(3))} % speed`;
}
