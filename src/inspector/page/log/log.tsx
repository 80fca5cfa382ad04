import { useRef, useState } from 'preact/hooks';
import { printable } from '../../../core/printable.ts';
import type { RecordedEvent } from '../../../insight/recorded-event.ts';
import type { ViewProps } from '../view-props.ts';
import { EventFilter, logGroups, type LogFilter, type LogGroup } from './log-filter.ts';
import { LogTable } from './log-table.tsx';
import './log.css';

/** Every event of the boot and of the launches into it, the newest last. */
export function Log({ story, boot, selected, select, goTo, choose }: ViewProps) {
  const [group, setGroup] = useState<LogGroup>('all');
  const [text, setText] = useState('');
  const [isOne, setOne] = useState(false);
  const [opened, setOpened] = useState<RecordedEvent>();
  const filter = useRef(new EventFilter());
  const choice: LogFilter = { group, text, plugin: isOne ? selected : undefined };
  const events = filter.current.list(boot.events, choice);
  /** The page shows the launch of an event before it shows more of the event. */
  const show = ({ launch }: RecordedEvent): number => {
    if (launch !== story.launch) choose(launch);
    return launch === undefined ? 0 : (boot.record.findLaunch(launch)?.startedAtMs ?? 0);
  };
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
          {events.length} of {boot.events.length} events
        </span>
      </form>
      <LogTable
        events={events}
        hasLaunches={boot.record.launches.length > 0}
        opened={opened}
        open={setOpened}
        select={(event, plugin) => {
          show(event);
          select(plugin);
        }}
        goTo={(event) => goTo(Math.max(0, event.elapsedMs - show(event)))}
      />
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
