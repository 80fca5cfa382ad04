import { useMemo } from 'preact/hooks';
import type { View } from './address.ts';
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
import { useFindings } from './use-findings.ts';
import { useNextTask } from './use-next-task.ts';
import type { ViewProps } from './view-props.ts';

interface AppProps {
  readonly model: Model;
  readonly shown: Shown;
  /** The view that the reader has chosen. */
  readonly view: View;
}

/** The whole page: the headline first, then the views with the details of what is selected, and the moment that is shown. */
export function App({ model, shown, view }: AppProps) {
  const { story, latest, boot, latestBoot, problem } = shown;
  // What a choice of the reader does not change is not compared again.
  const header = useMemo(
    () => <Header shown={shown} choose={(launch) => model.choose(launch)} />,
    [story, latestBoot, problem, shown.connection],
  );
  if (problem !== undefined || !story || !latest || !boot) return header;
  return (
    <>
      {header}
      <Body model={model} shown={shown} view={view} story={story} latest={latest} boot={boot} />
    </>
  );
}

function Body({ model, view, ...of }: AppProps & Pick<ViewProps, 'story' | 'latest' | 'boot'>) {
  const found = useFindings(of.story);
  // A chosen tab answers at once. Its view, which has to be built, comes in the task after that drawing.
  const built = useNextTask(view);
  const show = (next: View): void => model.show(next);
  const panes = useMemo(() => {
    const props: ViewProps = {
      ...of,
      found,
      selected: of.shown.selected,
      select: (plugin) => model.select(plugin),
      goTo: (moment) => model.goTo(moment),
      play: () => model.play(),
      choose: (launch) => model.choose(launch),
    };
    return (
      <>
        <main class="panes">
          <section class="pane view" id="view" role="tabpanel" aria-labelledby={`tab-${built}`}>
            <Current view={built} {...props} />
          </section>
          <aside class="pane details" aria-label="Details">
            <Details {...props} />
          </aside>
        </main>
        <Scrubber {...props} />
      </>
    );
  }, [built, of.shown, found]);
  return (
    <>
      <Tabs view={view} findings={found.length} show={show} />
      {panes}
    </>
  );
}

function Current({ view, ...props }: ViewProps & { readonly view: View }) {
  switch (view) {
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
