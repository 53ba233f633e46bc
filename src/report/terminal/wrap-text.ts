/** No line of prose is longer, however wide the terminal is. */
const longest = 100;

/**
 * Prose in lines of at most `columns` characters, all but the first indented. `11 %` and `2 × wasm` are not torn apart;
 * a word that is too long for a line has one of its own.
 */
export function wrapText(text: string, columns: number, indent = '  '): string {
  const width = Math.min(columns, longest);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<!×) (?![%×])/)) {
    const longer = line === '' ? `${lines.length === 0 ? '' : indent}${word}` : `${line} ${word}`;
    if (line !== '' && longer.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else {
      line = longer;
    }
  }
  return [...lines, line].join('\n');
}
