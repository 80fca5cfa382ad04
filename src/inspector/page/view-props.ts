import type { Story } from '../../insight/story.ts';
import type { Shown } from './model.ts';

/** What each view is drawn from, and how it reports the reader's choices. */
export interface ViewProps {
  /** The boot at the moment that is shown. */
  readonly story: Story;
  /** The boot at its latest moment. */
  readonly latest: Story;
  readonly shown: Shown;
  /** The plugin that the details are about. */
  readonly selected: string | undefined;
  readonly select: (plugin: string | undefined) => void;
  readonly goTo: (moment: number | undefined) => void;
  readonly play: () => void;
  readonly show: (view: Shown['view']) => void;
}
