import { isSuccess } from '../../src/core/schedule.ts';
import type { Step } from '../../src/core/steps.ts';
import type { StepNews } from '../../machines/index.ts';
import type { Edge } from './explore.ts';
import { begunIn, endedIn, law, toldIn, type Ended } from './edge-reading.ts';
import { isStep, keyOf, remember, type PhaseMemory, type PhaseRules } from './phase-memory.ts';

/** Adds one transition to the memory and checks every law of a phase. */
export function observePhase(rules: PhaseRules, memory: PhaseMemory, edge: Edge): PhaseMemory {
  const news = toldIn(edge).filter((told): told is StepNews => told.type.startsWith('plugin.'));
  const begun = begunIn(edge);
  const ended = endedIn(edge.event);
  const after = remember(rules, memory, edge, { news, begun, ended });

  checkTold(rules, memory, after, news, ended);
  for (const child of begun) checkBegin(rules, memory, after, child, ended);

  // The flush runs whatever the outcome.
  const onlyWhenUp = begun.filter((child) => child !== 'flush');
  law(onlyWhenUp.length === 0 || after.down !== 'stop', `begins ${begun.join()} after STOP`);
  law(
    onlyWhenUp.length === 0 || after.down !== 'loss',
    `begins ${begun.join()} after a required one was lost`,
  );
  const children = Object.keys(edge.to.children).toSorted();
  law(
    JSON.stringify(children) === JSON.stringify(after.live),
    `keeps ${children.join()}, alive are ${after.live.join()}`,
  );
  const working = after.live.filter((child) => !child.startsWith('wait.'));
  law(working.length <= rules.width, `${working.join()} are more than ${rules.width} at once`);
  checkSlots(rules, after);
  checkAsked(after, edge);

  if (edge.to.status === 'done') {
    law(after.live.length === 0, `ends while ${after.live.join()} are alive`);
    const mustFlush = rules.steps.includes('migrate');
    law(!mustFlush || after.flush !== null, 'ends before what was migrated is flushed');
    for (const step of rules.steps) {
      for (const { id } of rules.nodes) {
        law(after.settled[`${step}.${id}`] !== undefined, `ends without settling ${step}.${id}`);
      }
    }
  } else {
    law(after.live.length > 0, 'waits for nobody');
  }
  return after;
}

function checkTold(
  rules: PhaseRules,
  memory: PhaseMemory,
  after: PhaseMemory,
  news: readonly StepNews[],
  ended: Ended | null,
): void {
  const keys = news.map(keyOf);
  law(new Set(keys).size === keys.length, `settles one of ${keys.join()} twice`);
  for (const key of keys) law(!(key in memory.settled), `settles ${key} a second time`);

  const own = ended && settlesAs(ended);
  if (own) law(after.settled[own.key] === own.outcome, `${own.key} did not settle ${own.outcome}`);

  for (const told of news) {
    const key = keyOf(told);
    if (key === own?.key) continue;
    law(!after.ran.includes(key), `${key} ran and settles as ${told.outcome}`);
    law(!after.live.includes(`wait.${told.plugin}`), `${key} waits and settles`);
    const node = rules.nodes.find(({ id }) => id === told.plugin);
    law(node !== undefined, `tells of ${told.plugin}, who is not here`);
    if (told.outcome === 'dependency') {
      const step = key.slice(0, key.indexOf('.'));
      const outcomes = rules.before(node).succeeded.map((id) => after.settled[`${step}.${id}`]);
      const hasLost = outcomes.some((outcome) => outcome && !isSuccess(outcome));
      law(hasLost, `${key} is a dependency of nobody lost`);
    } else if (told.outcome !== 'notReached') {
      law(rules.presets.get(told.plugin) === told.outcome, `${key} settles as ${told.outcome}`);
    }
  }
}

function checkBegin(
  rules: PhaseRules,
  memory: PhaseMemory,
  after: PhaseMemory,
  child: string,
  ended: Ended | null,
): void {
  const [task = '', plugin = ''] = child.split('.');
  law(!memory.live.includes(child) || ended?.child === child, `begins ${child} twice`);
  if (task === 'survey') return;
  if (task === 'flush' || task === 'register') {
    law(after.live.length === 1, `begins ${task} beside ${after.live.join()}`);
    const isSettled = rules.nodes.every(({ id }) => `migrate.${id}` in after.settled);
    law(isSettled, `begins ${task} before every plugin settled`);
    law(task === 'flush' || after.flush === 'done', `registers after a flush that ${after.flush}`);
    law(task === 'register' || memory.flush === null, 'flushes twice');
    return;
  }
  if (task === 'wait') {
    law(ended?.child === `migrate.${plugin}`, `${child} begins for no lock`);
    return;
  }
  law(!memory.ran.includes(child), `begins ${child} a second time`);
  law(!(child in after.settled), `begins ${child}, which has settled`);
  law(!after.live.includes('survey'), `begins ${child} before the survey is done`);
  law(!rules.presets.has(plugin), `begins ${child}, who takes no part`);
  const node = rules.nodes.find(({ id }) => id === plugin);
  law(node !== undefined, `begins ${child}, who is not here`);
  const { settled, succeeded } = rules.before(node);
  for (const id of settled) {
    law(`${task}.${id}` in after.settled, `begins ${child} before ${id} settled`);
  }
  for (const id of succeeded) {
    const outcome = after.settled[`${task}.${id}`];
    law(outcome !== undefined && isSuccess(outcome), `begins ${child}, which needs ${id}`);
  }
  const earlier = rules.steps.slice(0, rules.steps.indexOf(task as Step));
  for (const step of earlier) {
    const isAllSettled = rules.nodes.every(({ id }) => `${step}.${id}` in after.settled);
    law(isAllSettled, `begins ${child} before every ${step} settled`);
    law(
      after.settled[`${step}.${plugin}`] === 'done',
      `begins ${child}, whose ${step} is not done`,
    );
  }
}

function checkSlots({ width }: PhaseRules, { live, slots }: PhaseMemory): void {
  const taken = Object.values(slots);
  law(taken.length === live.filter(isStep).length, `${live.join()} have ${taken.length} slots`);
  for (const slot of taken) law(slot >= 1 && slot <= width, `there is no slot ${slot} of ${width}`);
  law(new Set(taken).size === taken.length, `two of ${live.join()} have one slot`);
}

/** Whoever is alive on the way down knows it: after STOP all are canceled, after a loss migrations end in good order. */
function checkAsked({ live, asked, stopSent, down }: PhaseMemory, { event }: Edge): void {
  for (const child of live) {
    if (child === 'flush') {
      // One that began after a STOP goes on: only a STOP meanwhile cancels it.
      if (event.type === 'STOP') law(asked[child] === 'CANCEL', 'the flush was not canceled');
      continue;
    }
    if (stopSent) law(asked[child] === 'CANCEL', `${child} was not canceled after STOP`);
    else if (down) law(asked[child] !== undefined, `${child} was not asked to end after a loss`);
    if (asked[child] === 'WIND_DOWN') law(child.startsWith('migrate.'), `${child} winds down`);
  }
}

/** What must be told when this task ends; `null` when its plugin is not through with it. */
function settlesAs({ task, plugin, status }: Ended): { key: string; outcome: string } | null {
  if (['survey', 'flush', 'register'].includes(task) || status === 'locked') return null;
  if (task === 'wait')
    return status === 'failed' ? { key: `migrate.${plugin}`, outcome: status } : null;
  return { key: `${task}.${plugin}`, outcome: status };
}
