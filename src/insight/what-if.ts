import { integer, maybe } from '../core/expect.ts';
import { optionsInvalid } from '../core/errors.ts';
import { joinNames, shorten } from '../core/printable.ts';
import type { ChainLink } from '../core/report.ts';
import { didYouMean } from '../core/suggest.ts';
import { criticalChain } from './critical-chain.ts';
import { Replayer, type Slots } from './replayer.ts';
import { retell } from './retell.ts';
import { launchSteps } from './step-times.ts';
import type { Story } from './story.ts';

/** The changes that {@link whatIf} tries on a recorded boot. */
export interface WhatIfOptions {
  /**
   * How many plugins may migrate at once. The pool still has as many clients as it had.
   *
   * @default as in the recording
   */
  readonly migrateConcurrency?: number | undefined;
  /**
   * How many plugins may start at once.
   *
   * @default as in the recording
   */
  readonly initConcurrency?: number | undefined;
  /**
   * Plugins, or steps of them, that take no time and end as they did: `catalog`, `catalog.init`.
   *
   * @default []
   */
  readonly without?: readonly string[] | undefined;
}

/** The boot as it would have been. */
export interface WhatIf {
  readonly durationMs: number;
  /** Negative when it would have taken longer. */
  readonly savedMs: number;
  /** The work and the waits that would have decided its duration. */
  readonly chain: readonly ChainLink[];
  /** The longest link of the chain: the next thing to look at. */
  readonly longest?: ChainLink;
  /** The whole boot with its new times, for all other questions. */
  readonly story: Story;
}

/**
 * Calculates how long a boot would have taken with other options: runs its recorded steps through the same schedule again. Each
 * step takes as long as it did, what is not over counts until now, and a lock is free when it was free.
 *
 * @throws BootError `OPTIONS_INVALID` for a plugin or a step that the boot does not have
 * @example
 * const { savedMs, longest } = whatIf(story, { initConcurrency: 16, without: ['catalog.init'] });
 * console.log(`${savedMs} ms less; then the longest part is ${longest?.plugin}`);
 */
export function whatIf(story: Story, options: WhatIfOptions = {}): WhatIf {
  const replayer = new Replayer(story);
  const slots = chooseSlots(replayer.slots, options);
  const without = new Set(checkWithout(story, options.without ?? []));
  const retold = retell(story, replayer.replay(slots, without));
  const chain = criticalChain(retold);
  const [longest] = chain.toSorted((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs));
  return {
    durationMs: retold.endMs,
    savedMs: story.endMs - retold.endMs,
    chain,
    ...(longest && { longest }),
    story: retold,
  };
}

function chooseSlots(recorded: Slots, options: WhatIfOptions): Slots {
  const count = maybe(integer(1, 1_000_000));
  const migrate = count(options.migrateConcurrency, 'migrateConcurrency');
  const init = count(options.initConcurrency, 'initConcurrency');
  return { migrate: migrate ?? recorded.migrate, init: init ?? recorded.init };
}

/** Turns `catalog` into its three steps, and checks that the boot has them. */
function checkWithout(story: Story, without: readonly string[]): readonly string[] {
  if (!Array.isArray(without)) throw optionsInvalid('without', 'an array', without);
  return without.flatMap((name, at) => {
    const known = story.record.plugins.map(({ id }) => id);
    if (known.includes(name)) return launchSteps.map((step) => `${name}.${step}`);
    const [id = '', step = ''] = String(name).split('.');
    const isStep = (launchSteps as readonly string[]).includes(step);
    if (known.includes(id) && isStep) return [`${id}.${step}`];
    const plugins = joinNames(shorten(known, 8)) || 'none yet';
    const expected = known.includes(id)
      ? `${id} or one of its steps, ${launchSteps.map((each) => `${id}.${each}`).join(', ')}`
      : `a plugin of this boot, or one of its steps such as catalog.init (it has ${plugins})`;
    const meant = didYouMean(id, known);
    throw optionsInvalid(
      `without[${at}]`,
      meant ? `${expected}, perhaps ${meant}` : expected,
      name,
    );
  });
}
