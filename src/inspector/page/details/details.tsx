import { Boot } from './detail-boot.tsx';
import { Plugin } from './detail-plugin.tsx';
import { Warnings } from './detail-warnings.tsx';
import type { ViewProps } from '../view-props.ts';
import './details.css';

/** The details of the selected plugin, or of the boot while there is none. Its warnings are always in sight. */
export function Details({ story, selected, select, choose }: ViewProps) {
  const plugin = selected === undefined ? undefined : story.record.find(selected);
  return (
    <div class="detail">
      {/* The keyboard scrolls it, also when there is no link inside. */}
      <div class="detail-body" tabIndex={0}>
        {plugin && <Plugin key={plugin.id} story={story} plugin={plugin} select={select} />}
        <Boot story={story} isAlone={plugin === undefined} select={select} choose={choose} />
      </div>
      <Warnings of={story.record.warnings} select={select} />
    </div>
  );
}
