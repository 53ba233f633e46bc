/**
 * What `--compress` costs and what it does to accuracy, for docs/performance.md:
 *
 *     npm run bench:compression -- times
 *     npm run bench:compression -- accuracy [FIRST_SEED SEEDS]
 */
import { enginesWith, selectEngine } from '../../engine/engines.ts';
import { loadDataset } from '../../shared/data/load-dataset.ts';
import { trainedAccuracy } from './accuracy.ts';
import { timeCodec } from './codec-times.ts';

const names = ['bf16', 'int8', 'topk:10', 'topk:1'];
/** The CNN's parameters. */
const floats = 93_322;

const [what, first = '1', seeds = '5'] = process.argv.slice(2);
if (what === 'times') {
  for (const name of names) {
    const { encode, decode } = timeCodec(name, floats);
    process.stdout.write(`${name}: encode ${encode.toFixed(2)} ns a float, decode ${decode.toFixed(2)}\n`);
  }
} else if (what === 'accuracy') {
  const dataset = await loadDataset(undefined);
  const { provider } = await selectEngine('wasm', enginesWith(1));
  for (let seed = Number(first); seed < Number(first) + Number(seeds); seed++) {
    for (const compress of ['none', ...names]) {
      const accuracy = await trainedAccuracy({
        provider,
        dataset,
        seed,
        epochs: 5,
        batchSize: 64,
        worldSize: 2,
        compress,
      });
      process.stdout.write(`seed ${seed}, ${compress}: ${(100 * accuracy).toFixed(2)} %\n`);
    }
  }
} else {
  process.stderr.write('name what to measure: times or accuracy\n');
  process.exitCode = 2;
}
