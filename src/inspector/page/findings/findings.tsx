import { formatDuration } from '../../../core/duration.ts';
import { printable } from '../../../core/printable.ts';
import type { Finding } from '../../../insight/finding.ts';
import type { ViewProps } from '../view-props.ts';
import { Band, Linked } from '../parts.tsx';
import { Exports } from './findings-exports.tsx';
import { TryOut } from './findings-try-out.tsx';
import './findings.css';

/** Answers about the whole boot: what is worth a look, and what other slots would change. */
export function Findings({ story, boot, shown, found, select }: ViewProps) {
  return (
    <div class="findings">
      <section>
        <h2>Worth a look</h2>
        {found.length === 0 && <p>Nothing is worth a look.</p>}
        {found.map((finding) => (
          <Card key={`${finding.id} ${finding.title}`} finding={finding} select={select} />
        ))}
      </section>
      <TryOut story={story} isRunning={shown.isRunning} />
      <Exports story={boot} />
    </div>
  );
}

interface CardProps extends Pick<ViewProps, 'select'> {
  readonly finding: Finding;
}

function Card({ finding, select }: CardProps) {
  const { title, why, caveat, evidence, savedMs } = finding;
  return (
    <article class="card">
      <h3>{printable(title)}</h3>
      <p>{printable(why)}.</p>
      {savedMs !== undefined && (
        <p>
          <strong>It would save {formatDuration(savedMs)}.</strong>
        </p>
      )}
      <p class="soft">{printable(caveat)}.</p>
      {evidence.length > 0 && (
        <Band of={evidence} most={5}>
          {({ plugin, fact }, index) => (
            <li key={index}>
              <Linked text={fact} plugin={plugin} select={select} />
            </li>
          )}
        </Band>
      )}
    </article>
  );
}
