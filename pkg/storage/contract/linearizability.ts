/**
 * Was there an order? A history of concurrent calls is linearizable (Herlihy and Wing, 1990) if every call can be
 * given one moment between its start and its end at which it happened, such that the calls in the order of these
 * moments are what one client at a time would have seen.
 *
 * The search is that of Wing and Gong (1993) with Lowe's memory of what was tried (2017): take any call that could
 * come first, step the model, go on with the rest; on a dead end take it back. Two paths that have done the same
 * calls and reached the same state are one path.
 */
export interface Call<I, O> {
  readonly input: I;
  /** undefined: its fate is unknown; it may happen at any time after `start`, or never. */
  readonly output: O | undefined;
  /** Moments on one clock: start < end; an unknown call never ends. */
  readonly start: number;
  readonly end: number;
}

export interface SequentialModel<S, I, O> {
  readonly initial: S;
  /** The state after the call, or undefined if this output cannot come from this state. An unknown output always can. */
  step(state: S, input: I, output: O | undefined): S | undefined;
  /** Equal for equal states, different for different ones. */
  fingerprint(state: S): string;
}

/** True if the history is linearizable. Exponential at worst; a few hundred calls of ten clients take milliseconds. */
export function isLinearizable<S, I, O>(model: SequentialModel<S, I, O>, history: readonly Call<I, O>[]): boolean {
  const calls = history.toSorted((a, b) => a.start - b.start);
  const required = calls.filter((call) => call.output !== undefined).length;
  const done = new Array<boolean>(calls.length).fill(false);
  const seen = new Set<string>();

  /** `first`: every call before it is done. `left`: calls with an output that are not. */
  const search = (state: S, first: number, left: number): boolean => {
    if (left === 0) return true;
    const key = `${first}:${remaining(done, first)}:${model.fingerprint(state)}`;
    if (seen.has(key)) return false;
    seen.add(key);
    // A call can come next if no other one that is not done has ended before it started.
    let horizon = Number.POSITIVE_INFINITY;
    for (let i = first; i < calls.length; i++) {
      const call = calls[i] as Call<I, O>;
      if (call.start > horizon) break;
      if (done[i]) continue;
      horizon = Math.min(horizon, call.end);
      const next = model.step(state, call.input, call.output);
      if (next === undefined) continue;
      done[i] = true;
      let rest = first;
      while (done[rest]) rest++;
      if (search(next, rest, call.output === undefined ? left : left - 1)) return true;
      done[i] = false;
    }
    return false;
  };
  return search(model.initial, 0, required);
}

/** Which calls from `first` on are done, as text. The tail that is not done is left out. */
function remaining(done: readonly boolean[], first: number): string {
  let bits = '';
  const last = done.lastIndexOf(true);
  for (let i = first; i <= last; i++) bits += done[i] ? '1' : '0';
  return bits;
}
