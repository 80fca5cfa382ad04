import { useMemo, useState } from 'preact/hooks';
import { formatDuration } from '../../../core/duration.ts';
import type { Story } from '../../../insight/story.ts';
import { whatIf } from '../../../insight/what-if.ts';

interface TryOutProps {
  readonly story: Story;
  readonly isRunning: boolean;
}

/** Calculates how long the boot would have taken with other slots. */
export function TryOut({ story, isRunning }: TryOutProps) {
  const slots = story.record.start?.slots;
  const [migrate, setMigrate] = useState<number>();
  const [init, setInit] = useState<number>();
  const isOther = migrate !== undefined || init !== undefined;
  const answer = useMemo(() => {
    if (isRunning || !isOther) return '';
    return describe(story, migrate, init);
  }, [story, isRunning, isOther, migrate, init]);
  if (!slots) return null;
  return (
    <section>
      <h2>With other slots</h2>
      {isRunning ? (
        <p>Known when the boot has stopped.</p>
      ) : (
        <form class="filters" onSubmit={(event) => event.preventDefault()}>
          <Slots name="to migrate" value={migrate ?? slots.migrate} set={setMigrate} />
          <Slots name="to start" value={init ?? slots.init} set={setInit} />
          <output>{answer}</output>
        </form>
      )}
    </section>
  );
}

interface SlotsProps {
  readonly name: string;
  readonly value: number;
  readonly set: (slots: number) => void;
}

function Slots({ name, value, set }: SlotsProps) {
  return (
    <label>
      <input
        type="number"
        min={1}
        max={1_000}
        value={value}
        onInput={({ currentTarget: { valueAsNumber } }) => {
          if (Number.isInteger(valueAsNumber) && valueAsNumber >= 1) set(valueAsNumber);
        }}
      />{' '}
      {name}
    </label>
  );
}

function describe(story: Story, migrate: number | undefined, init: number | undefined): string {
  const { durationMs, savedMs, longest } = whatIf(story, {
    migrateConcurrency: migrate,
    initConcurrency: init,
  });
  const change =
    Math.abs(savedMs) < 1
      ? 'as long as it did'
      : `${formatDuration(durationMs)}: ${formatDuration(Math.abs(savedMs))} ${savedMs > 0 ? 'less' : 'more'}`;
  const next = longest
    ? `. The longest part would be ${[longest.plugin, longest.step].filter(Boolean).join('.')}`
    : '';
  return `The boot would take ${change}${next}.`;
}
