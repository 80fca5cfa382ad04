import { formatDuration } from '../../../core/duration.ts';
import type { ChainLink } from '../../../core/report.ts';
import type { Step } from '../../../core/steps.ts';
import { fitText } from '../../../insight/exports/svg-text.ts';
import { nameTarget } from '../../../insight/wait-words.ts';
import type { Axis } from '../../../insight/timeline-axis.ts';
import type { PhaseBar, Placed } from '../../../insight/timeline-frame.ts';
import { placeLabels, type LaneTick, type Mark } from './lane-axis.ts';
import type { Shape } from './lane-shapes.ts';
import { ShapeBar } from './lane-row.tsx';
import { describeChain, describeLink } from './lane-words.ts';

interface HeadProps {
  readonly ticks: readonly LaneTick[];
  readonly gaps: Axis['gaps'];
  readonly phases: readonly PhaseBar[];
  readonly mark: Mark | undefined;
  readonly width: number;
}

/** The axis: round times, the lengths of what is drawn short, and the phases. */
export function LaneHead({ ticks, gaps, phases, mark, width }: HeadProps) {
  const says = phases.map(describePhase).join(', ');
  return (
    <thead>
      <tr aria-rowindex={1}>
        <th scope="col">Plugin</th>
        <th scope="col" class="bars">
          <span class="unseen">Waits and work. Phases: {says}</span>
          <div class="scale" aria-hidden="true">
            {placeLabels(ticks, gaps, mark, width).map(({ kind, label, left }, at) => (
              <span
                key={at}
                class={`tick ${kind}`}
                style={{ left: `${Math.round(left)}px` }}
                title={kind === 'gap' ? `${label} in which nothing begins or ends` : undefined}
              >
                {label}
              </span>
            ))}
          </div>
          <div class="phases" aria-hidden="true">
            {phases.map((phase) => (
              <ShapeBar key={phase.phase} shape={drawPhase(phase, width)} />
            ))}
          </div>
        </th>
        <th scope="col" class="time">
          Time
        </th>
      </tr>
    </thead>
  );
}

function describePhase({ phase, outcome, startMs, endMs }: PhaseBar): string {
  return `${phase} ${outcome === 'done' ? '' : `${outcome}, `}${formatDuration(endMs - startMs)}`;
}

function drawPhase(phase: PhaseBar, width: number): Shape {
  const { from, to, outcome } = phase;
  const hasFailed = outcome === 'failed';
  const word = `${hasFailed ? '✕ ' : ''}${phase.phase}`;
  const hasRoom = fitText(word, (to - from) * width - 8, 11) === word;
  return {
    classes: `phase${hasFailed ? ' failed' : outcome === 'running' ? ' going' : ''}`,
    from,
    to,
    title: describePhase(phase),
    ...(hasRoom && { label: word }),
  };
}

interface ChainProps {
  readonly chain: readonly (Placed & ChainLink)[];
  readonly width: number;
  readonly select: (plugin: string) => void;
}

/** The row of what decides the time of the boot. */
export function ChainRow({ chain, width, select }: ChainProps) {
  const lengthMs = (chain.at(-1)?.endMs ?? 0) - (chain[0]?.startMs ?? 0);
  const choose = (event: Event): void => {
    const { target } = event;
    const plugin = target instanceof HTMLElement ? target.dataset['plugin'] : undefined;
    if (plugin !== undefined) select(plugin);
  };
  return (
    <tbody class="chain">
      <tr aria-rowindex={2} onClick={choose}>
        <th scope="row">Critical chain</th>
        <td class="bars">
          <span class="unseen">{describeChain(chain)}</span>
          <div class="shapes" aria-hidden="true">
            {chain.flatMap((link) => {
              const shape = drawLink(link, width);
              return shape
                ? [<ShapeBar key={link.startMs} shape={shape} plugin={link.plugin} />]
                : [];
            })}
          </div>
        </td>
        <td class="time">{lengthMs > 0 && formatDuration(lengthMs)}</td>
      </tr>
    </tbody>
  );
}

const works: ReadonlySet<string> = new Set<Step>(['migrate', 'init', 'ready', 'stop']);

function drawLink(link: Placed & ChainLink, width: number): Shape | undefined {
  const { plugin, step, kind, from, to } = link;
  const room = (to - from) * width;
  if (room < 1) return undefined;
  const name = plugin ?? step;
  const labels = kind === 'work' ? [name] : [`${name} waits for ${nameTarget(kind, step)}`, name];
  const label = [...labels, room > 48 ? fitText(name, room - 8, 11) : ''].find(
    (each) => each !== '' && fitText(each, room - 8, 11) === each,
  );
  const paint = kind !== 'work' ? `wait pause ${kind}` : works.has(step) ? `step ${step}` : 'phase';
  return {
    classes: paint,
    from,
    to,
    title: describeLink(link),
    ...(label !== undefined && { label }),
  };
}

export function percent(part: number): string {
  return `${Math.round(part * 1e5) / 1e3}%`;
}
