import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { encode, type ImageData } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { readImageInput } from '../../../src/report/predictions/image-input.ts';
import { layoutOf, resampleByArea, toModelImage } from '../../../src/report/predictions/model-image.ts';
import { decodePng } from '../../../src/report/predictions/png-image.ts';
import { mnistTestImages } from '../../support/mnist-samples.ts';
import { uniform } from '../../support/realistic-numbers.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { rounds } from '../../support/thoroughness.ts';

const folder = temporaryFolder();
const mnistLayout = { width: 28, height: 28, box: 20, darkBackground: true };

async function readBytes(bytes: Uint8Array): Promise<Uint8Array> {
  const file = join(folder, 'digit.png');
  await writeFile(file, bytes);
  return readImageInput(file, mnistLayout);
}

const readPng = (image: ImageData) => readBytes(encode(image));

/** Where the ink is: the box around it and its centre of mass, in pixels. */
function measure(image: Uint8Array) {
  let [mass, x, y, left, right, top, bottom] = [0, 0, 0, 28, -1, 28, -1];
  for (const [index, value] of image.entries()) {
    const [column, row] = [index % 28, Math.floor(index / 28)];
    mass += value;
    x += value * (column + 0.5);
    y += value * (row + 0.5);
    if (value === 0) continue;
    [left, right, top, bottom] = [
      Math.min(left, column),
      Math.max(right, column),
      Math.min(top, row),
      Math.max(bottom, row),
    ];
  }
  return { x: x / mass, y: y / mass, left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** A picture with one filled rectangle on it, in grey. */
function rectangle(
  width: number,
  height: number,
  box: { x: number; y: number; w: number; h: number },
  [paper, ink]: [number, number],
) {
  const data = new Uint8Array(width * height).fill(paper);
  for (let row = box.y; row < box.y + box.h; row++) data.fill(ink, row * width + box.x, row * width + box.x + box.w);
  return { width, height, data, channels: 1, depth: 8 } as const;
}

describe('an image of MNIST', () => {
  const scanned = rounds(3, 20);
  const { images } = mnistTestImages(scanned);
  const first = images.subarray(0, 784);

  test('is taken as it is, in every way a PNG can store it', async () => {
    const size = { width: 28, height: 28 };
    expect(await readPng({ ...size, data: first, channels: 1 })).toEqual(first);
    const rgb = Uint8Array.from({ length: 784 * 3 }, (_, index) => first[Math.floor(index / 3)] ?? 0);
    expect(await readPng({ ...size, data: rgb, channels: 3 })).toEqual(first);
    const rgba = Uint8Array.from({ length: 784 * 4 }, (_, index) => (index % 4 === 3 ? 255 : (first[index >> 2] ?? 0)));
    expect(await readPng({ ...size, data: rgba, channels: 4 })).toEqual(first);
    const deep = Uint16Array.from(first, (value) => value * 257);
    expect(await readPng({ ...size, data: deep, channels: 1, depth: 16 })).toEqual(first);
    const greys = Array.from({ length: 256 }, (_, grey) => [grey, grey, grey]);
    expect(await readPng({ ...size, data: first, channels: 1, palette: greys })).toEqual(first);
  });

  test('printed dark on white and scanned four times as large comes back nearly the same', async () => {
    for (let index = 0; index < scanned; index++) {
      const original = images.subarray(index * 784, (index + 1) * 784);
      const data = Uint8Array.from({ length: 112 * 112 }, (_, at) => {
        const [row, column] = [Math.floor(at / 112) >> 2, (at % 112) >> 2];
        return 255 - (original[row * 28 + column] ?? 0);
      });
      const read = await readPng({ width: 112, height: 112, data, channels: 1 });
      const difference = read.reduce((sum, value, at) => sum + Math.abs(value - (original[at] ?? 0)), 0);
      const ink = original.reduce((sum, value) => sum + value, 0);
      expect(difference / ink, `image ${index}`).toBeLessThan(0.05);
    }
  });
});

describe('a picture of the size of its images is laid out as they are', () => {
  const count = rounds(8, 60);
  const { images, labels } = mnistTestImages(count);
  const originals = Array.from({ length: count }, (_, index) => images.subarray(index * 784, (index + 1) * 784));
  const grey = (bytes: Uint8Array) => ({
    width: 28,
    height: 28,
    values: Float32Array.from(bytes, (value) => value / 255),
  });

  /** The image moved as far towards a corner as its ink allows. */
  function cornered(image: Uint8Array, [across, down]: readonly [number, number]): Uint8Array {
    const { left, top, width, height } = measure(image);
    const [x, y] = [across < 0 ? -left : 28 - left - width, down < 0 ? -top : 28 - top - height];
    const moved = new Uint8Array(784);
    for (const [index, value] of image.entries()) {
      if (value > 0) moved[(Math.floor(index / 28) + y) * 28 + (index % 28) + x] = value;
    }
    return moved;
  }

  test('taken from the images: their size, the box around the ink, and what is background', () => {
    const dataset = { imageShape: [28, 28, 1], train: { count, images, labels } } as const;
    expect(layoutOf(dataset)).toEqual(mnistLayout);
    const dark = { count, images: images.map((value) => 255 - value), labels };
    expect(layoutOf({ ...dataset, train: dark })).toEqual({ ...mnistLayout, darkBackground: false });
    const blank = { count: 2, images: new Uint8Array(2 * 40), labels: new Uint8Array(2) };
    expect(layoutOf({ imageShape: [5, 8, 1], train: blank })).toEqual({
      width: 8,
      height: 5,
      box: 8,
      darkBackground: true,
    });
  });

  test('every image of MNIST is taken as it is', () => {
    for (const original of originals) {
      expect(Buffer.compare(toModelImage(grey(original), mnistLayout) ?? Buffer.of(), original)).toBe(0);
    }
  });

  test.each([
    ['upper left', [-1, -1]],
    ['upper right', [1, -1]],
    ['lower left', [-1, 1]],
    ['lower right', [1, 1]],
  ] as const)('one in the %s corner is put back where MNIST has it, whatever its colours', (_, corner) => {
    for (const [index, original] of originals.entries()) {
      const moved = cornered(original, corner);
      for (const picture of [moved, moved.map((value) => 255 - value)]) {
        const read = toModelImage(grey(picture), mnistLayout);
        const difference = original.reduce((most, value, at) => Math.max(most, Math.abs(value - (read?.[at] ?? 0))), 0);
        // The brightest pixel of some images is 254, and strokes are scaled to full brightness.
        expect(difference, `image ${index}`).toBeLessThanOrEqual(1);
      }
    }
  });

  test('a model of images that are dark on bright gets such an image', () => {
    const layout = { ...mnistLayout, darkBackground: false };
    for (const original of originals.slice(0, 20)) {
      const inverted = original.map((value) => 255 - value);
      expect(toModelImage(grey(inverted), layout)).toEqual(inverted);
      const read = toModelImage(grey(original), layout) ?? [];
      expect(inverted.every((value, at) => Math.abs(value - (read[at] ?? 0)) <= 1)).toBe(true);
    }
  });

  test.each([
    [8, 8, 8],
    [41, 17, 17],
    [41, 17, 41],
    [12, 32, 20],
    [64, 64, 50],
  ])('one for images of %i × %i pixels with a box of %i fits them, whole', (width, height, box) => {
    const picture = { width: 90, height: 70, values: new Float32Array(90 * 70).fill(1) };
    // A tall stroke.
    for (let row = 5; row < 65; row++) picture.values.fill(0, row * 90 + 70, row * 90 + 80);
    const image = toModelImage(picture, { width, height, box, darkBackground: true }) ?? new Uint8Array();
    expect(image.length).toBe(width * height);
    const rows = Array.from({ length: height }, (_, row) => image.subarray(row * width, (row + 1) * width));
    const inked = rows.flatMap((row, at) => (row.some((value) => value > 128) ? [at] : []));
    expect(inked.length).toBe(Math.min(box, height));
    expect(Math.abs((inked[0] ?? 0) + (inked.at(-1) ?? 0) + 1 - height)).toBeLessThanOrEqual(2);
  });
});

describe('a picture of another size', () => {
  test.each([
    ['dark on white', [255, 0]],
    ['white on black', [0, 255]],
    ['pale on grey', [120, 200]],
    ['darker on dark grey', [110, 10]],
  ] as const)('%s: its digit fits 20 × 20, its mass is in the middle', async (_, [paper, ink]) => {
    const picture = rectangle(300, 200, { x: 20, y: 40, w: 30, h: 120 }, [paper, ink]);
    const measured = measure(await readPng(picture));
    expect(measured).toMatchObject({ width: 5, height: 20, x: 14.5, y: 14 });
  });

  test('any rectangle keeps its aspect ratio, fills 20 pixels, and has its centre in pixel 14', () => {
    const side = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(side, side, fc.nat(40), fc.nat(40), (w, h, x, y) => {
        const { width, height, data } = rectangle(110, 110, { x: x + 2, y: y + 2, w, h }, [255, 0]);
        const image = toModelImage(
          { width, height, values: Float32Array.from(data, (value) => value / 255) },
          mnistLayout,
        );
        const measured = measure(image ?? new Uint8Array(784));
        const longest = Math.max(w, h);
        expect(measured.width).toBe(Math.max(1, Math.round((20 * w) / longest)));
        expect(measured.height).toBe(Math.max(1, Math.round((20 * h) / longest)));
        for (const centre of [measured.x, measured.y]) {
          expect(centre).toBeGreaterThan(13.99);
          expect(centre).toBeLessThan(15.01);
        }
      }),
    );
  });

  test('a see-through background is white paper', async () => {
    const data = new Uint8Array(60 * 60 * 4);
    for (let row = 10; row < 50; row++)
      for (let column = 25; column < 35; column++) data[(row * 60 + column) * 4 + 3] = 255;
    expect(measure(await readPng({ width: 60, height: 60, data, channels: 4 }))).toMatchObject({
      width: 5,
      height: 20,
    });
  });

  test('so is a colour that the PNG declares see-through', async () => {
    const picture = rectangle(60, 60, { x: 25, y: 10, w: 10, h: 40 }, [0, 10]);
    const png = encode(picture);
    // The encoder writes no tRNS chunk for grey: length 2, name, the grey that is see-through, checksum.
    const chunk = Buffer.concat([Buffer.from('tRNS'), Buffer.of(0, 0)]);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32(chunk));
    const headerEnd = 33;
    const parts = [png.subarray(0, headerEnd), Buffer.of(0, 0, 0, 2), chunk, checksum, png.subarray(headerEnd)];
    expect(measure(await readBytes(Buffer.concat(parts)))).toMatchObject({ width: 5, height: 20 });
  });

  test('a palette of four colours is looked up, two bits a pixel', async () => {
    const palette = [
      [255, 255, 255],
      [0, 0, 90],
      [255, 0, 0],
      [0, 255, 0],
    ];
    // 6 × 3: a row of paper, one with a dark pixel at column 4, one of paper.
    const data = Uint8Array.of(0, 0, 0, 0b01_00_0000, 0, 0);
    const bytes = encode({ width: 6, height: 3, data, channels: 1, depth: 2, palette });
    const middle = [...decodePng(bytes, 'palette.png').values.subarray(6, 12)];
    expect(middle.map((value) => Number(value.toFixed(4)))).toEqual([1, 1, 1, 1, 0.0402, 1]);
  });

  test('bits packed in bytes are unpacked row by row', async () => {
    // 12 × 9 at 1 bit, white paper: 2 bytes a row, a black bar in columns 4 to 5 of rows 1 to 7.
    const rows = Array.from({ length: 9 }, (_, row) => (row === 0 || row === 8 ? [0xff, 0xf0] : [0b1111_0011, 0xf0]));
    const bytes = encode({ width: 12, height: 9, data: Uint8Array.from(rows.flat()), channels: 1, depth: 1 });
    const grey = decodePng(bytes, 'bits.png');
    expect([...grey.values.subarray(12, 24)]).toEqual([1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1]);
    expect(measure(await readBytes(bytes))).toMatchObject({ width: 6, height: 20 });
  });
});

test('resampling by area keeps the mean, whatever the sizes', () => {
  const size = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(size, size, size, size, fc.infiniteStream(uniform(0, 1)), (w, h, toW, toH, numbers) => {
      const values = Float32Array.from({ length: w * h }, () => numbers.next().value);
      const result = resampleByArea(
        { width: w, height: h, values },
        { left: 0, top: 0, width: w, height: h },
        toW,
        toH,
      );
      const mean = (all: Float32Array) => all.reduce((sum, value) => sum + value, 0) / all.length;
      expect(mean(result.values)).toBeCloseTo(mean(values), 5);
    }),
  );
});

test('resampling by area averages exactly the pixels it covers', () => {
  const image = { width: 3, height: 1, values: Float32Array.of(0, 0.75, 1) };
  const { values } = resampleByArea(image, { left: 0, top: 0, width: 3, height: 1 }, 2, 1);
  expect([...values].map((value) => Number(value.toFixed(6)))).toEqual([0.25, 0.916_667]);
});

describe('what cannot be read is refused by name, in one line', () => {
  const good = encode(rectangle(40, 40, { x: 10, y: 5, w: 6, h: 30 }, [255, 0]));
  const blank = encode(rectangle(40, 40, { x: 0, y: 0, w: 0, h: 0 }, [255, 0]));
  const header = (at: number, value: number) => {
    const bytes = good.slice();
    new DataView(bytes.buffer).setUint32(at, value);
    return bytes;
  };
  test.each([
    ['text', new TextEncoder().encode('a digit, in words'), /not a PNG; convert/],
    ['an empty file', new Uint8Array(), /not a PNG/],
    ['a file cut in its header', good.subarray(0, 20), /ends within its header/],
    ['a file cut in its pixels', good.subarray(0, good.length - 30), /broken PNG/],
    ['a flipped bit', good.map((byte, index) => (index === 45 ? byte ^ 1 : byte)), /broken PNG/],
    ['no pixels', header(16, 0), /no pixels/],
    ['too many pixels', header(20, 4_000_000), /too many/],
    ['an image with nothing on it', blank, /blank/],
  ])('%s', async (_, bytes, reason) => {
    const error = await readBytes(bytes).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'bad-input', message: expect.stringMatching(reason) });
    expect(error).toMatchObject({ message: expect.stringMatching(/^[^\n]*digit\.png: [^\n]*$/) });
  });

  /** A PNG of these chunks. */
  const pngOf = (...chunks: readonly (readonly [type: string, data: Uint8Array])[]) =>
    Buffer.concat([
      good.subarray(0, 8),
      ...chunks.map(([type, data]) => {
        const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
        const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
        length.writeUInt32BE(data.length);
        sum.writeUInt32BE(crc32(named));
        return Buffer.concat([length, named, sum]);
      }),
    ]);
  const ihdr = (width: number, height: number) => {
    const data = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0]);
    data.writeUInt32BE(width, 0);
    data.writeUInt32BE(height, 4);
    return ['IHDR', data] as const;
  };
  const end = ['IEND', new Uint8Array()] as const;
  const pixels = (bytes: number) => ['IDAT', deflateSync(Buffer.alloc(bytes))] as const;

  /** 48 MiB when unpacked. */
  const bomb = deflateSync(Buffer.alloc(48 << 20), { level: 1 });

  test('a picture with a byte more than its header announces, in one chunk or in several', async () => {
    const refusal = /digit\.png: oversized: 28 × 28 pixels are 812 bytes, and it holds more/;
    await expect(readBytes(pngOf(ihdr(28, 28), pixels(812), end))).rejects.toThrow(/blank/);
    await expect(readBytes(pngOf(ihdr(28, 28), pixels(813), end))).rejects.toThrow(refusal);
    const half = bomb.length >> 1;
    const before = process.resourceUsage().maxRSS;
    await expect(
      readBytes(pngOf(ihdr(28, 28), ['IDAT', bomb.subarray(0, half)], ['IDAT', bomb.subarray(half)], end)),
    ).rejects.toThrow(refusal);
    expect((process.resourceUsage().maxRSS - before) / 1024, 'MiB').toBeLessThan(32);
  });

  test('nothing is unpacked of chunks that are not pixels', async () => {
    const [, drawn] = ['IDAT', deflateSync(Buffer.alloc(812, '\0\0\0\0\xff'))];
    const profile = Buffer.concat([Buffer.from('bomb\0\0', 'latin1'), bomb]);
    const before = process.resourceUsage().maxRSS;
    const plain = await readBytes(pngOf(ihdr(28, 28), ['IDAT', drawn], end)).catch(String);
    expect(await readBytes(pngOf(ihdr(28, 28), ['iCCP', profile], ['IDAT', drawn], end)).catch(String)).toEqual(plain);
    expect((process.resourceUsage().maxRSS - before) / 1024, 'MiB').toBeLessThan(32);
  });

  test('a file that is larger than its pixels can be', async () => {
    const file = join(folder, 'large.png');
    await writeFile(file, pngOf(ihdr(28, 28), pixels(812), end));
    await truncate(file, 2 ** 40);
    await expect(readImageInput(file, mnistLayout)).rejects.toThrow(
      /large\.png: oversized: expected at most 16778840 bytes/,
    );
  });

  test('a file that is not there', async () => {
    await expect(readImageInput(join(folder, 'none.png'), mnistLayout)).rejects.toThrow(/none\.png: not found$/);
  });

  test('any bytes after the signature: an image or an error of ours, never another', async () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(good.length), (noise, at) => {
        const bytes = good.slice();
        bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
        try {
          decodePng(bytes, 'digit.png');
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-input' });
        }
      }),
    );
  });
});
