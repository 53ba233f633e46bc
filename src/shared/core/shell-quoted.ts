/** Text as one word of a command that a user may paste into a POSIX shell: `my runs/a` as `'my runs/a'`. */
export function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
