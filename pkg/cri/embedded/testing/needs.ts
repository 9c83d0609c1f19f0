/** What the machine must have for a test; the reason to skip it otherwise, which says what to do. */
export const needsRoot = process.getuid?.() === 0 ? undefined : 'needs root: sudo make test';
