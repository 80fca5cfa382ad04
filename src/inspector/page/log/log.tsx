import { useRef, useState } from 'preact/hooks';
import { printable } from '../../../core/printable.ts';
import type { RecordedEvent } from '../../../insight/recorded-event.ts';
import type { ViewProps } from '../view-props.ts';
import { EventFilter, logGroups, type LogFilter, type LogGroup } from './log-filter.ts';
import { LogTable } from './log-table.tsx';
import './log.css';

/** Every event of the boot, the newest last. */
export function Log({ story, selected, select, goTo }: ViewProps) {
  const [group, setGroup] = useState<LogGroup>('all');
  const [text, setText] = useState('');
  const [isOne, setOne] = useState(false);
  const [opened, setOpened] = useState<RecordedEvent>();
  const filter = useRef(new EventFilter());
  const choice: LogFilter = { group, text, plugin: isOne ? selected : undefined };
  const events = filter.current.list(story.events, choice);
  return (
    <div class="log">
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <select
          aria-label="Kind of events"
          value={group}
          onChange={({ currentTarget }) => setGroup(currentTarget.value as LogGroup)}
        >
          {Object.entries(logGroups).map(([key, name]) => (
            <option key={key} value={key}>
              {name}
            </option>
          ))}
        </select>
        <input
          type="search"
          aria-label="Text"
          placeholder="Search"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <label>
          <input
            type="checkbox"
            checked={isOne}
            disabled={selected === undefined}
            onChange={({ currentTarget }) => setOne(currentTarget.checked)}
          />{' '}
          only {selected ?? 'the selected plugin'}
        </label>
        <span class="soft total">
          {events.length} of {story.events.length} events
        </span>
      </form>
      <LogTable events={events} opened={opened} open={setOpened} select={select} goTo={goTo} />
      {opened && <LogEvent event={opened} close={() => setOpened(undefined)} />}
    </div>
  );
}

interface LogEventProps {
  readonly event: RecordedEvent;
  readonly close: () => void;
}

/** One event with everything that it carries, as JSON. */
function LogEvent({ event, close }: LogEventProps) {
  return (
    <section class="event" aria-label="The whole event">
      <header>
        <h2>
          Event {event.seq}: <code>{event.type}</code>
        </h2>
        <button type="button" onClick={close}>
          Close
        </button>
      </header>
      <pre tabIndex={0}>{printable(JSON.stringify(event, null, 2))}</pre>
    </section>
  );
}
