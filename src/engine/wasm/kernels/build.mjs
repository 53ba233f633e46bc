/**
 * Compiles the kernels to dist/kernels, once per SIMD flavour. Does nothing if the outputs are newer than every source,
 * so that every check can call it.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

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
    // Renamed when complete, because another process may be loading the old file.
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
  // Loading the compiler takes half a second, which a check has no use for where nothing changed.
  const { default: asc } = await import('assemblyscript/asc');
  const { error, stderr } = await asc.main([
    ...['index.ts', '--baseDir', sources, '--outFile', relative(sources, file)],
    ...['--runtime', 'stub', '--importMemory', '--noAssert', '--use', 'abort=', '-O3', '--converge'],
    // Warning 112: exported functions with vectors. JavaScript does not call those.
    ...['--disableWarning', '112'],
    ...features.flatMap((feature) => ['--enable', feature]),
  ]);
  if (error) throw new Error(`the kernels do not compile:\n${stderr}`, { cause: error });
}

/** The kernels may share the tfjs backend's memory, so a module with static data would overwrite the backend's. */
function checkModule(file, binary) {
  const dataSection = 11;
  if (sectionsOf(binary).includes(dataSection))
    throw new Error(`${file} has static data, which would overwrite tfjs's`);
  // Node 20 compiles relaxed SIMD only behind a flag. Both flavours have the same imports, so one check is enough.
  if (!WebAssembly.validate(binary)) return;
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(binary)).map(
    ({ module, name }) => `${module}.${name}`,
  );
  if (imports.join() !== 'env.memory')
    throw new Error(`${file} must import env.memory alone, not ${imports.join(', ')}`);
}

/** A module's section ids, in order (WebAssembly core specification, 5.5.2). */
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
