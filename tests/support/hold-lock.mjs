// Takes the lock of a run folder, says so, and lets go of it when its input ends: `hold-lock.mjs FOLDER`.
import { lockRun } from '../../dist/run-folder/run-lock.js';

const [folder] = process.argv.slice(2);
try {
  const lock = await lockRun(folder, () => {});
  console.log('held');
  process.stdin.resume().on('end', () => lock.release());
} catch (error) {
  console.log(error.message);
}
