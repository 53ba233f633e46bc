/** Fragments of HTML. */
import type { Column } from '../terminal/table.ts';

/** Escapes text for an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON for a `<script>` element: nothing in it can end the element. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

/** A table that scrolls sideways where it is too wide. @param caption for screen readers */
export function tableHtml<Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const align = ({ align: side }: Column<Row>) => (side === 'left' ? ' class="left"' : '');
  const head = columns.map((column) => `<th scope="col"${align(column)}>${escapeHtml(column.head)}</th>`).join('');
  const body = rows
    .map(
      (row) =>
        `<tr>${columns.map((column) => `<td${align(column)}>${escapeHtml(cellText(column, row))}</td>`).join('')}</tr>`,
    )
    .join('\n');
  return `<div class="scrolls" role="region" tabindex="0" aria-label="${escapeHtml(caption)}"><table>
<thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>`;
}

/** Names may wrap at any space; a figure only before its interval: `3,141 (3,020–3,260)`. */
function cellText<Row>({ align, cell }: Column<Row>, row: Row): string {
  const text = cell(row);
  return align === 'left' ? text : text.replaceAll(/ (?!\()/g, '\u00a0');
}

export function listHtml(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`;
}

/** A section, or nothing if it would be empty. */
export function sectionHtml(title: string, ...parts: readonly string[]): string {
  const body = parts.filter((part) => part !== '').join('\n');
  return body === '' ? '' : `<section><h2>${escapeHtml(title)}</h2>\n${body}</section>`;
}
