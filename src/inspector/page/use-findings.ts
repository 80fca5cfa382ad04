import { useEffect, useRef, useState } from 'preact/hooks';
import type { Finding } from '../../insight/finding.ts';
import { findings } from '../../insight/findings.ts';
import type { Story } from '../../insight/story.ts';

/** Looking for findings takes at most this part of the time: it replays the boot, and clicks come first. */
const part = 0.1;

/** Returns the findings of a story. While the boot runs, they are a little behind, so that they never hold up a drawing. */
export function useFindings(story: Story): readonly Finding[] {
  const [found, setFound] = useState(() => findings(story));
  const last = useRef({ story, restUntil: 0 });
  useEffect(() => {
    if (last.current.story === story) return undefined;
    const look = (): void => {
      const since = performance.now();
      setFound(findings(story));
      const until = performance.now();
      last.current = { story, restUntil: until + (until - since) / part };
    };
    const timer = setTimeout(look, Math.max(0, last.current.restUntil - performance.now()));
    return () => clearTimeout(timer);
  }, [story]);
  return found;
}
