import { joinNames, printable, shorten } from '../../../core/printable.ts';
import type { BootRecord } from '../../../insight/boot-record.ts';
import type { Story } from '../../../insight/story.ts';
import { describeOutcome } from './outcome.ts';
import './launches.css';

interface LaunchesProps {
  /** The boot at its latest moment. */
  readonly boot: Story;
  /** The launch that is shown; `undefined` for the boot itself. */
  readonly launch: number | undefined;
  readonly choose: (launch: number | undefined) => void;
}

/** More names than this are counted. */
const namedPlugins = 2;

/** The plugins that came and went while the boot was up, launch by launch. The reader chooses what the page shows. */
export function Launches({ boot, launch, choose }: LaunchesProps) {
  const { launches, removals } = boot.record;
  if (launches.length === 0 && removals.length === 0) return null;
  const removed = removals.flatMap(({ outcome, plugins }) =>
    outcome === 'done' || outcome === 'failed' ? plugins : [],
  );
  return (
    <div class="launches">
      {launches.length > 0 && (
        <fieldset>
          <legend class="unseen">What is shown</legend>
          <Choice
            name="Boot"
            of={boot}
            isChosen={launch === undefined}
            choose={() => choose(undefined)}
          />
          {launches.map(({ number, plugins, record }) => (
            <Choice
              key={number}
              name={nameLaunch(number, plugins)}
              of={{ record, end: boot.end === 'cutOff' ? 'cutOff' : 'running' }}
              isChosen={launch === number}
              choose={() => choose(number)}
            />
          ))}
        </fieldset>
      )}
      {removed.length > 0 && (
        <span class="soft">
          <span aria-hidden="true">⊖</span> removed:{' '}
          {joinNames(shorten([...new Set(removed)], namedPlugins))}
        </span>
      )}
    </div>
  );
}

function nameLaunch(number: number, plugins: readonly string[]): string {
  const names = plugins.length === 0 ? '' : `: ${joinNames(shorten(plugins, namedPlugins))}`;
  return `Launch ${number}${names}`;
}

interface ChoiceProps {
  readonly name: string;
  readonly of: Pick<Story, 'record' | 'end'>;
  readonly isChosen: boolean;
  readonly choose: () => void;
}

function Choice({ name, of, isChosen, choose }: ChoiceProps) {
  const [glyph, word, tone] = isRemoved(of.record) ? removedWords : describeOutcome(of);
  return (
    <label class="launch" title={word}>
      <input type="radio" name="launch" checked={isChosen} onChange={choose} />
      {printable(name)}{' '}
      <span class={`glyph ${tone}`} aria-hidden="true">
        {glyph}
      </span>
      <span class="unseen">{word}</span>
    </label>
  );
}

const removedWords = ['⊖', 'removed', 'soft'] as const;

/** Whether nothing is left of a launch. */
function isRemoved({ launch, plugins }: BootRecord): boolean {
  return (
    launch !== undefined &&
    plugins.length > 0 &&
    plugins.every(({ removedAtMs }) => removedAtMs !== undefined)
  );
}
