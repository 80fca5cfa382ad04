import { formatDuration } from '../../../core/duration.ts';
import type { MachineDescription } from '../../../core/machine-records.ts';
import { listWaysOut, sumVisits, type MachineHistory } from './machine-history.ts';

interface CardProps {
  readonly machine: MachineDescription;
  readonly state: string;
  /** The end of the transition that is pointed at. */
  readonly to: string | undefined;
  readonly history: MachineHistory | undefined;
  readonly nowMs: number;
}

/** The times of a state, what runs in it, and the ways out of it. */
export function MachineCard({ machine, state, to, history, nowMs }: CardProps) {
  const found = machine.states.find(({ name }) => name === state);
  if (!found) return null;
  const { entry = [], exit = [], invokes = [] } = found;
  const runs = invokes.map(({ src }) => src);
  const ways = listWaysOut(found, history);
  return (
    <>
      <h3>
        {machine.id}.{state}
      </h3>
      <p>{describeTimes(history, state, nowMs)}</p>
      <dl>
        <Names title="runs" names={runs} />
        <Names title="entry" names={entry} />
        <Names title="exit" names={exit} />
      </dl>
      {ways.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Event</th>
              <th scope="col">Next</th>
              <th scope="col">If</th>
              <th scope="col">Actions</th>
              <th scope="col">Taken</th>
            </tr>
          </thead>
          <tbody>
            {ways.map(({ event, target, guards, actions, count }) => (
              <tr
                key={`${event} ${target ?? ''}`}
                class={`${count > 0 ? 'is-taken' : ''} ${to !== undefined && to === target ? 'is-shown' : ''}`}
              >
                <td>{event}</td>
                <td>{target ?? 'stays'}</td>
                <td>{guards.join(' or ')}</td>
                <td>{actions.join(', ')}</td>
                <td>{count > 0 ? `${count}×` : 'no'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Names({ title, names }: { readonly title: string; readonly names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <div>
      <dt>{title}</dt>
      <dd>{names.join(', ')}</dd>
    </div>
  );
}

function describeTimes(history: MachineHistory | undefined, state: string, nowMs: number): string {
  const visits = history?.visits.filter((visit) => visit.state === state) ?? [];
  const [first] = visits;
  const ms = sumVisits(history, state, nowMs);
  if (!history || !first || ms === undefined) return 'Not reached.';
  const often = visits.length > 1 ? `${visits.length} times, first` : 'Entered';
  const isCurrent = visits.at(-1)?.leftMs === undefined;
  const stay = isCurrent
    ? `the current state for ${formatDuration(ms)}`
    : `left after ${formatDuration(ms)}`;
  const isEnd = history.ended && history.state === state;
  return `${often} at ${formatDuration(first.enteredMs)}${isEnd ? '; the machine ended here' : `, ${stay}`}.`;
}
