/** A container could not be started: `reason` and `message` are what its waiting state shows. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  readonly reason: string;
  /** Milliseconds until it is worth another try; absent: the next sync. */
  readonly retryAfter: number | undefined;

  constructor(reason: string, message: string, retryAfter?: number, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}
