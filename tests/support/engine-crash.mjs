// Speaks as src/doctor/facts/engine-trial.ts does until it dies, as an engine's native library may make it.
process.once('message', ({ engine }) => {
  const die = {
    tensorflow: () => process.kill(process.pid, 'SIGSEGV'),
    webgpu: () => {
      console.error('libvulkan: no such device');
      process.exit(134);
    },
  };
  process.send({ type: 'probed', availability: { usable: true, device: 'doomed' } }, die[engine]);
});
