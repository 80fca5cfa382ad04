import { describe, expect, it } from 'vitest';
import { exportFormats, exportStory, storyOf, type ExportFormat } from '../../../src/insight.ts';
import { stage, tell, tellExample } from './stories.ts';

describe('exportStory()', () => {
  it('writes every format, of a boot that has not begun too', async () => {
    const stories = [
      storyOf({ id: 'a', events: [], elapsedMs: 0 }),
      await tell(stage([])),
      await tell(stage([{}]), 0),
      await tellExample(),
    ];
    for (const format of exportFormats) {
      for (const story of stories) expect(exportStory(story, format)).toMatch(/.\n$/);
    }
  });

  it('names the formats when it is asked for another one', async () => {
    const story = await tell(stage([]));
    for (const format of ['pdf', 'toString', '__proto__']) {
      expect(() => exportStory(story, format as ExportFormat)).toThrow(
        `Expected the format to be one of trace, otlp, markdown, mermaid, mermaid-graph, dot, svg, got ${format}`,
      );
    }
  });
});
