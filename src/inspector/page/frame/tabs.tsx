import { views, type View } from '../address.ts';

const names: Readonly<Record<View, string>> = {
  lanes: 'Lanes',
  machines: 'Machines',
  graph: 'Graph',
  log: 'Log',
  findings: 'Findings',
};

interface TabsProps {
  readonly view: View;
  /** How many there are. */
  readonly findings: number;
  readonly show: (view: View) => void;
}

/** The views, as tabs: the arrow keys go from one to the next. */
export function Tabs({ view, findings, show }: TabsProps) {
  const move = (event: KeyboardEvent): void => {
    const next = chooseTab(view, event.key);
    if (next === undefined) return;
    event.preventDefault();
    show(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <nav aria-label="Views">
      <div class="tabs" role="tablist" aria-label="Views" onKeyDown={move}>
        {views.map((each) => (
          <button
            key={each}
            id={`tab-${each}`}
            type="button"
            role="tab"
            aria-selected={each === view}
            aria-controls="view"
            tabIndex={each === view ? 0 : -1}
            onClick={() => show(each)}
          >
            {names[each]}
            {each === 'findings' && findings > 0 && <span class="count"> {findings}</span>}
          </button>
        ))}
      </div>
    </nav>
  );
}

function chooseTab(view: View, key: string): View | undefined {
  const at = views.indexOf(view);
  switch (key) {
    case 'ArrowRight':
      return views[(at + 1) % views.length];
    case 'ArrowLeft':
      return views.at(at - 1);
    case 'Home':
      return views[0];
    case 'End':
      return views.at(-1);
    default:
      return undefined;
  }
}
