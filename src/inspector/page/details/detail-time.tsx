import { formatDuration } from '../../../core/duration.ts';
import { steps, type Step } from '../../../core/steps.ts';
import type { PluginRecord } from '../../../insight/plugin-record.ts';
import { nameTarget } from '../../../insight/wait-words.ts';
import { readLedgers, type StepLedger } from '../../../insight/waits.ts';
import type { ViewProps } from '../view-props.ts';
import { Section } from '../parts.tsx';

/** In the order in which they come. */
const parts = [
  'gate',
  'dependency',
  'slot',
  'connection',
  'lock',
  'database',
  'retry',
  'statement',
  'own',
] as const;

interface TimeProps extends Pick<ViewProps, 'story'> {
  readonly plugin: PluginRecord;
}

/** How the time of each step was used. The rows add up to the time of the step. */
export function Time({ story, plugin }: TimeProps) {
  const ledgers = readLedgers(story.times, plugin);
  const known = steps.filter((step) => {
    const { outcome = 'done' } = plugin.steps[step];
    return ledgers[step].wallMs >= 0.5 && outcome !== 'notReached' && outcome !== 'skipped';
  });
  if (known.length === 0) return null;
  return (
    <Section title="Time">
      <table class="rows ledger">
        {known.map((step) => (
          <Ledger key={step} step={step} ledger={ledgers[step]} />
        ))}
      </table>
    </Section>
  );
}

function Ledger({ step, ledger }: { readonly step: Step; readonly ledger: StepLedger }) {
  const { wallMs } = ledger;
  return (
    <tbody>
      <tr class="sum">
        <th scope="rowgroup">{step}</th>
        <td>{formatDuration(wallMs)}</td>
        <td />
      </tr>
      {parts
        // Less is written as 0ms.
        .filter((part) => ledger[`${part}Ms`] >= 0.5)
        .map((part) => (
          <tr key={part}>
            <th scope="row">{namePart(part, step)}</th>
            <td>{formatDuration(ledger[`${part}Ms`])}</td>
            <td>
              <div
                class={`bar is-${part !== 'own' ? part : step === 'migrate' ? 'file' : step}`}
                style={{ width: `${(100 * ledger[`${part}Ms`]) / wallMs}%` }}
              />
            </td>
          </tr>
        ))}
    </tbody>
  );
}

function namePart(part: (typeof parts)[number], step: Step): string {
  if (part === 'statement') return 'ran statements';
  return part === 'own' ? 'did other work' : `waited for ${nameTarget(part, step)}`;
}
