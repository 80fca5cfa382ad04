import type { Finding } from '../../insight/finding.ts';
import type { Story } from '../../insight/story.ts';
import type { Shown } from './model.ts';

/** What each view is drawn from, and how it reports the reader's choices. */
export interface ViewProps {
  /** The boot, or the launch that the reader has chosen, at the moment that is shown. */
  readonly story: Story;
  /** The same at its latest moment. */
  readonly latest: Story;
  /** The whole boot at the moment that is shown. */
  readonly boot: Story;
  readonly shown: Shown;
  /** What is worth a look in it. */
  readonly found: readonly Finding[];
  /** The plugin that the details are about. */
  readonly selected: string | undefined;
  readonly select: (plugin: string | undefined) => void;
  readonly goTo: (moment: number | undefined) => void;
  readonly play: () => void;
  /** Shows a launch, or the boot itself. */
  readonly choose: (launch: number | undefined) => void;
}
