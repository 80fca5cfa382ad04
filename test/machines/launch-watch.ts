import { isSuccess } from '../../src/core/schedule.ts';
import { phases, steps, type Outcome, type Phase, type Step } from '../../src/core/steps.ts';
import type { LaunchEnd, StepNews } from '../../machines/index.ts';
import type { NamedPlugin } from './changing-plugins.ts';
import { law } from './edge-reading.ts';
import { nameTask, type LaunchPlan, type TaskName } from './launch-plan.ts';

const launchSteps = ['migrate', 'init', 'ready'] as const;

/** Watches one launch from outside: what its tasks do, and what it tells of them. */
export class LaunchWatch {
  readonly plan: LaunchPlan;
  readonly settled = new Map<string, Outcome>();
  /** The first cause why nothing may begin any more. */
  cause: 'stop' | 'loss' | null = null;
  isSorted = false;
  readonly #phases: string[] = [];
  readonly #slots = new Map<string, number>();
  readonly #ended = new Map<string, string>();
  readonly #ran = new Set<string>();
  readonly #cleaned = new Set<string>();
  #hasFailed = false;
  /** The task whose failure ended the launch. */
  #culprit: string | null = null;
  #lastEnd: (TaskName & { readonly status: string }) | null = null;

  constructor(plan: LaunchPlan) {
    this.plan = plan;
  }

  /** The plugins whose init has begun, except the optional ones that cleaned up themselves while the launch went on. */
  get started(): readonly string[] {
    return this.#ids.filter((id) => this.#ran.has(`init.${id}`) && !this.#cleaned.has(id));
  }

  /** How the launch has to end, decided by its first cause. */
  get outcome(): LaunchEnd {
    if (this.cause === null) return 'launched';
    return this.cause === 'loss' && this.#hasFailed ? 'failed' : 'canceled';
  }

  get isDegraded(): boolean {
    return this.#ids.some((id) => this.settled.get(`ready.${id}`) !== 'done');
  }

  /** Within a phase, or before the next one. */
  get isInPhase(): boolean {
    return this.#phases.length % 2 === 1;
  }

  stop(): void {
    this.cause ??= 'stop';
  }

  hearPhase(phase: Phase, outcome?: string, error?: unknown): void {
    const at = this.#phases.length;
    law(phases[Math.floor(at / 2)] === phase, `tells of ${phase} after ${this.#phases.join()}`);
    law((outcome !== undefined) === this.isInPhase, `${phase} is told to start or finish twice`);
    this.#phases.push(phase);
    if (outcome === undefined) return;
    const { cause } = this;
    const expected =
      cause === null ? 'done' : cause === 'loss' && this.#hasFailed ? 'failed' : 'canceled';
    const isTask = phase === 'discover' || phase === 'sort';
    const own = isTask ? (this.#ended.get(phase) ?? '') : expected;
    const isBlamed = outcome !== 'failed' || isTask || error === `${this.#culprit} is broken`;
    law(isBlamed, `${phase} gives ${String(error)} as the error, not that of ${this.#culprit}`);
    law(outcome === own, `${phase} ended ${own}, told is ${outcome}`);
  }

  hearStep({ type, plugin, outcome }: StepNews): void {
    const step = type.split('.')[1] as Step;
    const key = `${step}.${plugin}`;
    law(this.isSorted && this.#ids.includes(plugin), `tells of ${key}, which is not here`);
    law(!this.settled.has(key), `settles ${key} twice`);
    this.settled.set(key, outcome);
    if (isSuccess(outcome) || !this.#find(plugin).required || this.cause) return;
    this.cause = 'loss';
    this.#culprit = this.#lastEnd && nameTask(this.#lastEnd);
  }

  begin({ task, plugin }: TaskName, slot: number): void {
    const name = nameTask({ task, plugin });
    law(!this.#ran.has(name), `begins ${name} a second time`);
    law(this.cause === null || task === 'flush', `begins ${name} after a ${this.cause}`);
    this.#ran.add(name);
    if (launchSteps.includes(task as 'init')) {
      this.#beginStep(task as 'init', plugin, slot);
    } else if (task === 'wait') {
      law(this.#ended.get(`migrate.${plugin}`) === 'locked', `${name} begins for no lock`);
    } else {
      this.#beginTask(task);
    }
  }

  end({ task, plugin }: TaskName, how: string): void {
    const status = how === 'defect' ? 'failed' : how;
    const name = nameTask({ task, plugin });
    this.#lastEnd = { task, plugin, status };
    this.#ended.set(name, status);
    this.#slots.delete(name);
    if (task === 'sort' && status === 'done') this.isSorted = true;
    if (task === 'wait' || status === 'locked') this.#ran.delete(name);
    const isFailure = status === 'failed' || status === 'timeout';
    const decides = ['discover', 'sort', 'survey', 'flush'].includes(task);
    const isFirst = this.cause === null;
    if (decides && status === 'canceled') this.cause ??= 'stop';
    if (decides && isFailure) this.cause ??= 'loss';
    if (decides && isFailure && isFirst) this.#culprit = name;
    const counts = (decides && isFirst) || (isFailure && plugin !== '');
    if (isFailure && counts) this.#hasFailed = true;
  }

  /** After everything that one deed has led to. */
  look(): void {
    const last = this.#lastEnd;
    this.#lastEnd = null;
    if (!last?.plugin || last.status === 'locked') return;
    const { task, plugin, status } = last;
    if (task === 'wait') {
      const isLost = status === 'failed';
      const outcome = this.settled.get(`migrate.${plugin}`);
      law(!isLost || outcome === 'failed', `migrate.${plugin} waited too long and is ${outcome}`);
      return;
    }
    const told = this.settled.get(`${task}.${plugin}`);
    law(told === status, `${task}.${plugin} ended ${status}, told is ${told}`);
    const isClean = task === 'init' && (status === 'failed' || status === 'timeout');
    if (isClean && this.cause === null) this.#cleaned.add(plugin);
  }

  /** After its end every step of every plugin has settled, and those that have not run say so. */
  checkEnd(): void {
    law(!this.isInPhase, `ends within a phase of ${this.#phases.join()}`);
    if (!this.isSorted) return;
    for (const id of this.#ids) {
      for (const step of launchSteps) {
        const outcome = this.settled.get(`${step}.${id}`);
        law(outcome !== undefined, `ends without settling ${step}.${id}`);
        const hasRun =
          this.#ended.has(`${step}.${id}`) && this.#ended.get(`${step}.${id}`) !== 'locked';
        const isWaitLost = step === 'migrate' && this.#ended.get(`wait.${id}`) === 'failed';
        const saysRan = !['notReached', 'dependency', 'upToDate'].includes(outcome);
        law(saysRan === (hasRun || isWaitLost), `${step}.${id} is told as ${outcome}`);
        this.#checkLoss(step, id, outcome);
      }
    }
  }

  #checkLoss(step: Step, id: string, outcome: Outcome): void {
    const needed = this.#inLaunch(this.#find(id).needs);
    const isLost = needed.some(
      (other) => !isSuccess(this.settled.get(`${step}.${other}`) ?? 'done'),
    );
    if (outcome === 'dependency') law(isLost, `${step}.${id} is a dependency of nobody lost`);
    if (outcome === 'upToDate') {
      law(this.plan.upToDate.includes(id) && step === 'migrate', `${step}.${id} is up to date`);
    }
    if (outcome !== 'notReached' || this.cause !== null) return;
    const at = steps.indexOf(step);
    const isLostBefore = steps
      .slice(0, at)
      .some((before) => !isSuccess(this.settled.get(`${before}.${id}`) ?? 'failed'));
    law(isLostBefore, `${step}.${id} was not reached, for no reason`);
  }

  #beginTask(task: string): void {
    const before: Readonly<Record<string, string>> = {
      sort: 'discover',
      survey: 'sort',
      register: 'flush',
    };
    const first = before[task];
    law(!first || this.#ended.get(first) === 'done', `begins ${task} before ${first} is done`);
    const phase = ['discover', 'sort'].includes(task) ? task : 'migrateAll';
    law(this.#isIn(phase), `begins ${task} outside of ${phase}`);
    if (task !== 'flush') return;
    for (const id of this.#ids)
      law(this.settled.has(`migrate.${id}`), `flushes before ${id} settled`);
  }

  #beginStep(step: 'migrate' | 'init' | 'ready', id: string, slot: number): void {
    const name = `${step}.${id}`;
    law(
      this.#isIn(step === 'migrate' ? 'migrateAll' : 'initAll'),
      `begins ${name} out of its phase`,
    );
    law(!this.settled.has(name), `begins ${name}, which has settled`);
    const width = this.plan.widths[step];
    law(slot >= 1 && slot <= width, `${name} has slot ${slot} of ${width}`);
    law(![...this.#slots.values()].includes(slot), `two have slot ${slot}`);
    this.#slots.set(name, slot);
    const { needs, after } = this.#find(id);
    for (const other of this.#inLaunch([...needs, ...after])) {
      law(this.settled.has(`${step}.${other}`), `begins ${name} before ${other} has settled`);
    }
    for (const other of this.#inLaunch(needs)) {
      const outcome = this.settled.get(`${step}.${other}`);
      law(outcome !== undefined && isSuccess(outcome), `begins ${name}, which needs ${other}`);
    }
    if (step === 'migrate') {
      law(this.#ended.get('survey') === 'done', `begins ${name} before the survey`);
      law(!this.plan.upToDate.includes(id), `begins ${name}, which has nothing to do`);
      return;
    }
    this.#checkDatabase(name);
    const before = step === 'init' ? 'migrate' : 'init';
    for (const other of this.#ids) {
      law(
        this.settled.has(`${before}.${other}`),
        `begins ${name} before ${before}.${other} settled`,
      );
    }
    law(
      isSuccess(this.settled.get(`${before}.${id}`) ?? 'failed'),
      `begins ${name} after no ${before}`,
    );
  }

  /** No init before the whole database is migrated, and on the disk. */
  #checkDatabase(name: string): void {
    law(this.#ended.get('flush') === 'done', `begins ${name} before the flush`);
    law(this.#ended.has('register'), `begins ${name} before the registry is written`);
    for (const { id, required } of this.plan.plugins) {
      const outcome = this.settled.get(`migrate.${id}`) ?? 'failed';
      law(!required || isSuccess(outcome), `begins ${name} though ${id} was not migrated`);
    }
  }

  #isIn(phase: string): boolean {
    return this.isInPhase && this.#phases.at(-1) === phase;
  }

  #inLaunch(ids: readonly string[]): readonly string[] {
    return ids.filter((id) => this.#ids.includes(id));
  }

  #find(id: string): NamedPlugin {
    const found = this.plan.plugins.find((plugin) => plugin.id === id);
    law(found !== undefined, `there is no plugin ${id}`);
    return found;
  }

  get #ids(): readonly string[] {
    return this.plan.plugins.map(({ id }) => id);
  }
}
