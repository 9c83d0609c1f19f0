/** Whether this machine can run containers. */
export async function probeEmbedded(): Promise<{ readonly ok: boolean; readonly reasons: readonly string[] }> {
  return process.getuid?.() === 0 ? { ok: true, reasons: [] } : { ok: false, reasons: ['not root'] };
}
