// Stands for a worker: `mortal-worker.mjs worker --id ID NOTE END` prints who it is and what it was told. Where END is a
// number it exits with that code, else it stays until it is killed or its parent is gone; `drains` exits at SIGUSR1,
// which `ignores` ignores.
const [, , id, note, end] = process.argv.slice(2);
if (end === 'drains') process.on('SIGUSR1', () => process.exit(0));
if (end === 'ignores') process.on('SIGUSR1', () => {});
console.log(JSON.stringify({ id, note, rank: process.env.TEST_LOCAL_RANK, pid: process.pid }));
process.on('disconnect', () => process.exit(0));
if (!process.connected) process.exit(0);
if (['stays', 'drains', 'ignores'].includes(end)) setInterval(() => {}, 60_000);
else {
  console.log(`ends with ${end}`);
  process.exit(Number(end));
}
