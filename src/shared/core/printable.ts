/**
 * Text from elsewhere (a peer, a file of somebody else's run), made safe to print: control and format characters, which
 * can rewrite a terminal's lines or colours, become spaces.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ');
}
