import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];
export type Paint = (format: Format, text: string) => string;

/**
 * Styles text, or returns it unchanged. The caller decides whether to colour: the text may not be for this process's
 * stdout.
 */
export function createPaint(colour: boolean): Paint {
  return colour ? (format, text) => styleText(format, text, { validateStream: false }) : (_, text) => text;
}
