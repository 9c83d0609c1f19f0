/**
 * Loaded before a server whose memory is measured: SIGUSR2 collects all of its garbage, and gives back the pages that
 * V8 would have kept for the next burst. Needs `--expose-gc`.
 */
process.on('SIGUSR2', () => {
  const collect = (): void => void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  collect();
  // What the first collection finalizes is freed by the second.
  setImmediate(collect);
});
