import { decode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { listPredictions, type Predictions } from '../../../src/report/predictions/predictions.ts';
import { renderPredictionsSvg } from '../../../src/report/predictions/predictions-svg.ts';
import { renderPredictionsText } from '../../../src/report/predictions/predictions-text.ts';
import { mnistTestImages } from '../../support/mnist-samples.ts';

/** Ten real images, right at 90 % but for the image at index 8, a 5 taken for a 6 at 52 %. */
function tenPredictions(): Predictions {
  const { images, labels } = mnistTestImages(10);
  const probabilities = new Float32Array(100);
  for (const [index, label] of labels.entries()) {
    probabilities[index * 10 + (index === 8 ? 6 : label)] = index === 8 ? 0.52 : 0.9;
  }
  return { images, imageShape: [28, 28, 1], labels, probabilities };
}

test('lists the most probable class of each image', () => {
  const rows = listPredictions(tenPredictions());
  expect(rows.map(({ predicted }) => predicted)).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 6, 9]);
  expect(rows.map(({ correct }) => correct).indexOf(false)).toBe(8);
  expect(rows[8]).toMatchObject({ label: 5, predicted: 6 });
  expect(rows[8]?.probability).toBeCloseTo(0.52, 6);
});

test('refuses lengths that do not fit together', () => {
  const good = tenPredictions();
  expect(() => listPredictions({ ...good, images: good.images.subarray(1) })).toThrow(/10 labels need 7840 bytes/);
  expect(() => listPredictions({ ...good, probabilities: new Float32Array(99) })).toThrow(/99 probabilities/);
});

describe('renderPredictionsSvg', () => {
  const predictions = tenPredictions();
  const svg = renderPredictionsSvg(predictions);

  test('embeds the pixels losslessly, and nothing from elsewhere', () => {
    const pictures = [...svg.matchAll(/href="data:image\/png;base64,([^"]+)"/g)].map(([, base64 = '']) =>
      Uint8Array.from(decode(Buffer.from(base64, 'base64')).data),
    );
    expect(pictures).toHaveLength(10);
    expect(pictures.flatMap((pixels) => [...pixels])).toEqual([...predictions.images]);
    expect(svg.match(/href=/g)).toHaveLength(10);
    expect(svg).not.toMatch(/url\(|@import|<script/);
  });

  test('marks an error by words, a cross and a dashed frame, not by colour alone', () => {
    expect(svg.match(/wrong: is 5</g)).toHaveLength(1);
    expect(svg.match(/<path class="cross"/g)).toHaveLength(1);
    expect(svg.match(/<rect class="card wrong"/g)).toHaveLength(1);
    expect(svg).toMatch(/\.card\.wrong \{[^}]*stroke-dasharray/);
  });

  test('tells a screen reader what it shows', () => {
    expect(svg).toContain('role="img" aria-labelledby="title desc"');
    expect(svg).toMatch(
      /<desc id="desc">Image 1: predicted 7 at 90.0 %, right\..*predicted 6 at 52.0 %, wrong: it is 5\./,
    );
  });

  test('is well-formed: every tag is closed in order, and text is escaped', () => {
    const sure = predictions.probabilities.map((value) => (value > 0 ? 1 : 0));
    const text = renderPredictionsSvg({ ...predictions, probabilities: sure });
    expect(text).toContain('&gt;99.9 %');
    const open: string[] = [];
    for (const [, closing, name = '', selfClosing] of text.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
      if (closing) expect(open.pop()).toBe(name);
      else if (!selfClosing) open.push(name);
    }
    expect(open).toEqual([]);
    expect(text.replace(/<\/?[a-z]+[^<>]*>/g, '')).not.toMatch(/[<>]/);
  });

  test('shows any number of images, in colour too', () => {
    const none = { images: new Uint8Array(), imageShape: [28, 28, 1], labels: new Uint8Array() } as const;
    expect(renderPredictionsSvg({ ...none, probabilities: new Float32Array() })).toContain('0 of 0 right');
    const red = { images: Uint8Array.of(255, 0, 0), imageShape: [1, 1, 3], labels: Uint8Array.of(1) } as const;
    const [, base64 = ''] =
      /base64,([^"]+)"/.exec(renderPredictionsSvg({ ...red, probabilities: Float32Array.of(0.1, 0.9) })) ?? [];
    expect(decode(Buffer.from(base64, 'base64'))).toMatchObject({ width: 1, height: 1, channels: 3 });
  });
});

describe('renderPredictionsText', () => {
  test('draws ten images in two lines of five, within 80 columns', () => {
    const lines = renderPredictionsText(tenPredictions(), { colour: false }).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    const captions = lines.filter((line) => /\d/.test(line));
    expect(captions).toHaveLength(2);
    expect(captions[0]).toMatch(/^7 {2}90.0 % +2 {2}90.0 % +1 {2}90.0 % +0 {2}90.0 % +4 {2}90.0 %$/);
    expect(captions[1]).toContain('✗ 6, is 5');
  });

  test('draws what is there: a bright upper half, and a one-pixel image in colour', () => {
    const images = new Uint8Array(28 * 28).fill(255, 0, 14 * 28);
    const one = { imageShape: [28, 28, 1], labels: Uint8Array.of(0), probabilities: Float32Array.of(1, 0) } as const;
    const [first, , , middle, below] = renderPredictionsText({ ...one, images }, { colour: false }).split('\n');
    expect([first, middle, below]).toEqual(['█'.repeat(14), '▀'.repeat(14), '']);
  });

  test('colours errors only when asked', () => {
    expect(renderPredictionsText(tenPredictions(), { colour: true })).toContain('\x1b[');
    expect(renderPredictionsText(tenPredictions(), { colour: false })).not.toContain('\x1b');
  });
});
