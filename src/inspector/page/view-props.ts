import type { Finding } from '../../insight/finding.ts';
import type { Story } from '../../insight/story.ts';
import type { Shown } from './model.ts';

/** What each view is drawn from, and how it reports the reader's choices. */
export interface ViewProps {
  /** The boot at the moment that is shown. */
  readonly story: Story;
  /** The boot at its latest moment. */
  readonly latest: Story;
  readonly shown: Shown;
  /** What is worth a look in it. */
  readonly found: readonly Finding[];
  /** The plugin that the details are about. */
  readonly selected: string | undefined;
  readonly select: (plugin: string | undefined) => void;
  readonly goTo: (moment: number | undefined) => void;
  readonly play: () => void;
}
