/** Counts the messages of SQL that Slipway sends: the pools add, and the relay reads what each phase has sent. */
export class StatementCount {
  #total = 0;

  readonly add = (): void => {
    this.#total += 1;
  };

  get total(): number {
    return this.#total;
  }
}
