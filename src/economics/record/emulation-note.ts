/** `emulated at 25 % speed`: must be shown wherever figures of an emulated worker are. */
export function emulationNote(speed: number): string {
  return `emulated at ${Number((speed * 100).toPrecision(3))} % speed`;
}
