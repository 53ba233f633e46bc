/** Longest line of prose, even on a wider terminal. */
const longest = 100;

/**
 * Wraps prose into lines of at most `columns` characters, all but the first indented. `11 %` and `2 × wasm` stay together;
 * a word that is longer than a line gets a line of its own.
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
