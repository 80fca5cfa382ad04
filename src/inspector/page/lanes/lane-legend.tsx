import { steps } from '../../../core/steps.ts';
import { waitKinds } from '../../../core/waits.ts';
import { waitWords } from '../../../insight/wait-words.ts';

/** Explains the marks that there are. Its place has always the same size. */
export function Legend({ marks }: { readonly marks: ReadonlySet<string> }) {
  const works = [...steps, 'file', 'statement'].filter((name) => marks.has(name));
  const waits = waitKinds.filter((kind) => marks.has(kind));
  return (
    <ul class="legend" aria-label="Marks">
      <li>
        <i class="mark chain" aria-hidden="true" />
        critical chain
      </li>
      {works.map((name) => (
        <li key={name}>
          <i class={`mark lane-bar is-${name}`} aria-hidden="true" />
          {name}
        </li>
      ))}
      {marks.has('failed') && (
        <li>
          <i class="mark lane-bar is-failed" aria-hidden="true" />✕ failed
        </li>
      )}
      {marks.has('lost') && (
        <li>
          <i class="mark lane-bar is-lost" aria-hidden="true" />
          not started
        </li>
      )}
      {waits.length > 0 && <li>waits for:</li>}
      {waits.map((kind) => (
        <li key={kind}>
          <i class={`mark lane-bar is-wait is-${kind}`} aria-hidden="true" />
          {waitWords[kind]}
        </li>
      ))}
    </ul>
  );
}
