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
  return importsIn(file, readFileSync(join(root, file), 'utf8'));
}

function importsIn(file: string, text: string): readonly string[] {
  return [...text.matchAll(/(?:from |import |import\()'(\.[^']+)'/g)].map(([, specifier = '']) =>
    relative(root, join(root, dirname(file), specifier)),
  );
}

/** What else is written in TypeScript, or in AssemblyScript, whose imports leave out the extension. */
const otherFiles = ['tests', 'deploy', 'src/engine/wasm/kernels'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name}`)
    .filter((name) => name.endsWith('.ts')),
);

/** Files that a file imports when it is loaded or later, but not those of which it needs only types. */
function loadedBy(file: string): readonly string[] {
  const text = readFileSync(join(root, file), 'utf8').replaceAll(/^(?:import|export) type\b[^;]*;$/gm, '');
  return importsIn(file, text).map((target) => (/\.m?[jt]s$/.test(target) ? target : `${target}.ts`));
}

/** A way through `imports` that ends where it began; undefined where there is none. */
function cycleIn(
  files: readonly string[],
  imports: (file: string) => readonly string[],
): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const target of imports(file)) {
      const found = visit(target, [...path, file]);
      if (found !== undefined) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of files) {
    const found = visit(file, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

test('no file loads itself through what it imports', () => {
  expect(cycleIn([...sources, ...otherFiles], loadedBy)).toBeUndefined();
});

test.each([
  [{ a: ['b'], b: ['c'], c: [] }, undefined],
  [{ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }, undefined],
  [{ a: ['b'], b: ['c'], c: ['b'] }, ['b', 'c', 'b']],
  [{ a: [], b: ['b'] }, ['b', 'b']],
])('a cycle is found where there is one: %j', (graph: Readonly<Record<string, readonly string[]>>, cycle) => {
  expect(cycleIn(Object.keys(graph), (file) => graph[file] ?? [])).toEqual(cycle);
});

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
