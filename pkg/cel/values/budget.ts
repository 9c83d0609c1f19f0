/**
 * What evaluation may cost. Kubernetes' cost units decide what is refused and where. They do not see everything, so
 * steps of work are counted too (elements of deep structures that are compared, states of regular expressions): an
 * ordinary object's are free, beyond that they cost. Neither looks at a clock, so a rule behaves the same on every machine.
 */
export class BudgetExceeded extends Error {
  override readonly name = 'BudgetExceeded';
}

/** A step takes some hundred nanoseconds, a unit twice that. */
const stepsPerUnit = 2;
/** Enough to compare the largest objects that fit into a request a few times. */
const freeSteps = 2_000_000;

export class Budget {
  readonly limit: number;
  cost = 0;
  /** All that were taken; those beyond the free ones are in the cost. */
  steps = 0;
  freeSteps: number;

  constructor(limit: number, free = freeSteps) {
    this.limit = limit;
    this.freeSteps = free;
  }

  /** Charge before doing. */
  spend(units: number): void {
    this.cost += units;
    if (this.cost > this.limit) throw new BudgetExceeded('operation cancelled: actual cost limit exceeded');
  }

  /** Charge before doing, too. */
  work(steps: number): void {
    this.steps += steps;
    this.freeSteps -= steps;
    if (this.freeSteps >= 0) return;
    const units = -this.freeSteps / stepsPerUnit;
    this.freeSteps = 0;
    this.spend(units);
  }
}

/** What several evaluations share. */
export class SharedBudget {
  remaining: number;
  #freeSteps = freeSteps;

  constructor(limit: number) {
    this.remaining = limit;
  }

  /** Runs with what is left, at most `limit`; what was spent is gone afterwards, however it ended. */
  run<T>(limit: number, evaluate: (budget: Budget) => T): T {
    const budget = new Budget(Math.max(0, Math.min(limit, this.remaining)), this.#freeSteps);
    try {
      return evaluate(budget);
    } finally {
      this.remaining -= budget.cost;
      this.#freeSteps = budget.freeSteps;
    }
  }
}
