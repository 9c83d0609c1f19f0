/** Loaded before a server whose memory is measured: SIGUSR2 collects its garbage. Needs `--expose-gc`. */
process.on('SIGUSR2', () => {
  // Twice: what the first collection finalizes is freed by the second.
  globalThis.gc?.();
  setImmediate(() => globalThis.gc?.());
});
