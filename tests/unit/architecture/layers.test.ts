import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The table in docs/architecture.md: by folder, the folders that it may import from. */
const layers = new Map(
  [...readFileSync(join(root, 'docs/architecture.md'), 'utf8').matchAll(/^\| `(src\/[^`]+)` \|.*\| ([^|]+) \|$/gm)].map(
    ([, folder = '', allowed = '']) =>
      [folder, allowed === 'nothing' ? [] : allowed.split(', ').map((name) => `src/${name}`)] as const,
  ),
);

/** The table's innermost folder that holds a file. */
function layerOf(file: string): string | undefined {
  return [...layers.keys()].filter((folder) => isInside(file, folder)).sort((a, b) => b.length - a.length)[0];
}

function isInside(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((name) => `src/${name}`)
  .filter((name) => name.endsWith('.ts') && !isInside(name, 'src/engine/wasm/kernels'));

function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:from |import\()'(\.[^']+)'/g)].map(([, specifier = '']) =>
    relative(root, join(root, dirname(file), specifier)),
  );
}

test('every source file is in a folder of the table', () => {
  expect(sources.length).toBeGreaterThan(100);
  expect(sources.filter((file) => layerOf(file) === undefined)).toEqual([]);
});

test('imports point down: a folder imports only from those that the table allows', () => {
  const violations = sources.flatMap((file) => {
    const layer = layerOf(file) ?? '';
    const allowed = layers.get(layer) ?? [];
    return importsOf(file)
      .filter((target) => layerOf(target) !== layer && !allowed.some((folder) => isInside(target, folder)))
      .map((target) => `${file} imports ${target}`);
  });
  expect(violations).toEqual([]);
});

test('no two folders of the table may import from each other', () => {
  const order = [...layers.keys()];
  const upward = order.flatMap((folder, place) =>
    (layers.get(folder) ?? [])
      .filter((allowed) => order.slice(0, place).some((above) => above === allowed || isInside(above, allowed)))
      .map((allowed) => `${folder} may import ${allowed}, which is above it`),
  );
  expect(upward).toEqual([]);
});
