import { useMemo } from 'preact/hooks';
import type { Model, Shown } from './model.ts';
import { Details } from './details/details.tsx';
import { Findings } from './findings/findings.tsx';
import { Graph } from './graph/graph.tsx';
import { Header } from './frame/header.tsx';
import { Lanes } from './lanes/lanes.tsx';
import { Log } from './log/log.tsx';
import { Machines } from './machines/machines.tsx';
import { Scrubber } from './frame/scrubber.tsx';
import { Tabs } from './frame/tabs.tsx';
import type { ViewProps } from './view-props.ts';

/** The whole page: the headline first, then the views with the details of what is selected, and the moment that is shown. */
export function App({ model, shown }: { readonly model: Model; readonly shown: Shown }) {
  const { story, latest, selected, problem } = shown;
  // What a choice of the reader does not change is not compared again.
  const header = useMemo(() => <Header shown={shown} />, [story, problem, shown.connection]);
  if (problem !== undefined || !story || !latest) return header;
  const props: ViewProps = {
    story,
    latest,
    shown,
    selected,
    select: (plugin) => model.select(plugin),
    goTo: (moment) => model.goTo(moment),
    play: () => model.play(),
    show: (view) => model.show(view),
  };
  return (
    <>
      {header}
      <Tabs {...props} />
      <main class="panes">
        <section class="pane view" id="view" role="tabpanel" aria-labelledby={`tab-${shown.view}`}>
          <Current {...props} />
        </section>
        <aside class="pane details" aria-label="Details">
          <Details {...props} />
        </aside>
      </main>
      <Scrubber {...props} />
    </>
  );
}

function Current(props: ViewProps) {
  switch (props.shown.view) {
    case 'lanes':
      return <Lanes {...props} />;
    case 'machines':
      return <Machines {...props} />;
    case 'graph':
      return <Graph {...props} />;
    case 'log':
      return <Log {...props} />;
    default:
      return <Findings {...props} />;
  }
}
