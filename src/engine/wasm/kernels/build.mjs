/**
 * Compiles the kernels to dist/kernels, once per SIMD flavour. Does nothing when the outputs are newer than every
 * source, so that it can be part of each check.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const sources = dirname(fileURLToPath(import.meta.url));
const root = join(sources, '../../../..');
const output = join(root, 'dist/kernels');
const flavours = [
  { file: 'kernels-simd.wasm', features: ['simd'] },
  { file: 'kernels-relaxed-simd.wasm', features: ['simd', 'relaxed-simd'] },
];

const newestSource = Math.max(
  ...readdirSync(sources, { recursive: true }).map((name) => statSync(join(sources, name)).mtimeMs),
);
const isFresh = (file) => (statSync(join(output, file), { throwIfNoEntry: false })?.mtimeMs ?? 0) > newestSource;

if (!flavours.every(({ file }) => isFresh(file))) {
  mkdirSync(output, { recursive: true });
  for (const { file, features } of flavours) {
    // Renamed when complete, because another process may be loading the file that it replaces.
    const draft = join(output, `draft-${process.pid}-${file}`);
    try {
      await compile(draft, features);
      checkModule(file, readFileSync(draft));
      renameSync(draft, join(output, file));
    } finally {
      rmSync(draft, { force: true });
    }
  }
}

async function compile(file, features) {
  const { error, stderr } = await asc.main([
    ...['index.ts', '--baseDir', sources, '--outFile', relative(sources, file)],
    ...['--runtime', 'stub', '--importMemory', '--noAssert', '--use', 'abort=', '-O3', '--converge'],
    // Vectors pass between kernels only, never to JavaScript.
    ...['--disableWarning', '112'],
    ...features.flatMap((feature) => ['--enable', feature]),
  ]);
  if (error) throw new Error(`the kernels do not compile:\n${stderr}`, { cause: error });
}

/** The memory belongs to the tfjs backend: a module with data of its own would overwrite what is there. */
function checkModule(file, binary) {
  const dataSection = 11;
  if (sectionsOf(binary).includes(dataSection))
    throw new Error(`${file} has static data, which would overwrite tfjs's`);
  // Node 20 compiles relaxed SIMD behind a flag only; what holds for one flavour's imports holds for the other's.
  if (!WebAssembly.validate(binary)) return;
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(binary)).map(
    ({ module, name }) => `${module}.${name}`,
  );
  if (imports.join() !== 'env.memory')
    throw new Error(`${file} must import env.memory alone, not ${imports.join(', ')}`);
}

/** Section ids, in order (WebAssembly core specification, 5.5.2). */
function sectionsOf(binary) {
  const ids = [];
  for (let at = 8; at < binary.length; ) {
    ids.push(binary[at++]);
    let size = 0;
    let shift = 0;
    do {
      size |= (binary[at] & 0x7f) << shift;
      shift += 7;
    } while (binary[at++] & 0x80);
    at += size;
  }
  return ids;
}
