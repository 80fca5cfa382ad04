import { describeHolder } from '../../../core/describe-session.ts';
import { formatDuration } from '../../../core/duration.ts';
import { printable } from '../../../core/printable.ts';
import type { Pause, PluginRecord } from '../../../insight/plugin-record.ts';
import { waitWords } from '../../../insight/wait-words.ts';
import { firstLine } from '../../../insight/step-words.ts';
import type { ViewProps } from '../view-props.ts';
import { Band, Message, Section } from '../parts.tsx';
import { listBlockers } from './detail-why.tsx';

interface PausesProps extends Pick<ViewProps, 'story'> {
  readonly plugin: PluginRecord;
}

/** Earlier waits in the middle of a step, and the next attempt. A wait for a lock that goes on stands in the causes. */
export function Pauses({ story, plugin: { steps } }: PausesProps) {
  const pauses = [...steps.migrate.pauses, ...steps.init.pauses].filter(({ kind, reason, endMs }) =>
    kind === 'lock' ? endMs !== undefined : kind !== 'connection' || reason !== undefined,
  );
  if (pauses.length === 0) return null;
  return (
    <Section title="Waits and retries">
      <Band of={pauses} most={20} around={pauses.length}>
        {(pause) => (
          <li key={`${pause.kind} ${pause.startMs}`} class="note">
            <p class="soft">
              {formatDuration(pause.startMs)}: {describePause(pause, story.nowMs)}
            </p>
            <Message text={describeReason(pause)} />
          </li>
        )}
      </Band>
    </Section>
  );
}

function describePause({ kind, startMs, endMs, untilMs, attempt }: Pause, nowMs: number): string {
  const isOpen = endMs === undefined || endMs > nowMs;
  const lasted = formatDuration(Math.max(0, Math.min(endMs ?? nowMs, nowMs) - startMs));
  if (kind !== 'retry') {
    return `${isOpen ? 'has waited' : 'waited'} ${lasted} for ${waitWords[kind]}`;
  }
  const which = `attempt ${attempt ?? 2}`;
  if (!isOpen) return `${which} came after ${lasted}`;
  if (untilMs === undefined || untilMs <= nowMs) return `${which} is due`;
  return `${which} comes in ${formatDuration(untilMs - nowMs)}`;
}

function describeReason({ reason, holder, blockers = [] }: Pause): string {
  const facts = [
    reason && firstLine(reason),
    holder && `held by ${describeHolder(holder)}`,
    blockers.length > 0 && `in the way: ${listBlockers(blockers)}`,
  ];
  return printable(facts.filter(Boolean).join('; '));
}
