import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeMarkdown } from '../../../src/insight/exports/markdown.ts';
import { writeBlock, writeCode, writeText } from '../../../src/insight/exports/markdown-text.ts';
import type { BootEvent } from '../../../src/core/events.ts';
import { Story, storyOf } from '../../../src/insight/story.ts';
import { runStaged } from '../staged-boot.ts';
import {
  anyStory,
  hostileNames,
  makeHostile,
  stage,
  tell,
  tellExample,
  tellMany,
} from './stories.ts';

/** The text outside of inline code and of blocks, where Markdown would execute something. */
function stripCode(markdown: string): string {
  return markdown
    .replaceAll(/^ *(`{3,})text\n[\s\S]*?\n *\1$/gm, '')
    .replaceAll(/(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)/g, 'CODE');
}

const allowed = /^(?:#{1,2} | *- |\d+ more lines|$)/;
const executed = /[<>@`|\\*_~[\]{}#&!$]|:\/\/|www\.|\p{Cc}/u;

/** Checks that nothing but headings, lists and plain words is outside of code. */
function expectToBeInert(markdown: string): void {
  const wrong = stripCode(markdown)
    .split('\n')
    .filter((line) => !allowed.test(line) || executed.test(line.replace(/^#+ /, '')));
  expect(wrong).toEqual([]);
}

describe('Markdown', () => {
  it('executes nothing of the names, for every boot and at every moment', async () => {
    await fc.assert(
      fc.asyncProperty(anyStory, async ({ boot, untilMs }) => {
        expectToBeInert(writeMarkdown(await tell(boot, untilMs)));
      }),
      { numRuns: 30 },
    );
    const told = await runStaged(
      stage([{ files: [[3]], lockedForMs: 9, migrate: 'failed' }, { needs: [0] }]),
    );
    for (const name of hostileNames) {
      expectToBeInert(writeMarkdown(storyOf(makeHostile({ ...told, id: name }, name))));
      expectToBeInert(
        `- ${writeText(name)}\n- ${writeCode(name)}\n${writeBlock(name, '  ').join('\n')}`,
      );
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expectToBeInert(`- ${writeText(text)} ${writeCode(text)}`);
      }),
    );
  });

  it('leaves plain words as they are', () => {
    expect(writeText('auth failed: 3 of 12 plugins (25%), "why", after 1.23s')).toBe(
      'auth failed: 3 of 12 plugins (25%), "why", after 1.23s',
    );
    expect(writeText('see 0001_items.sql at https://x.example by @me')).toBe(
      'see `0001_items.sql` at `https://x.example` by `@me`',
    );
  });

  it('has one fact a line, the headline first', async () => {
    expect(writeMarkdown(await tellExample())).toMatchInlineSnapshot(`
      "# 2 of 4 plugins are up after 254ms: p3 did not start because init of p2 failed

      ## Boot

      - Outcome: degraded
      - Duration: 254ms
      - Plugins: 4
      - Boot: \`00000000-0000-4000-8000-000000000000\`
      - Started: 2023-11-14T22:13:20.000Z
      - Host: \`host\`, pid 1
      - Versions: Slipway 0.0.0, Node.js 20.19.0
      - Database: PostgreSQL 18.0
      - Slots: 4 to migrate, 4 to start

      ## Failures

      - \`p2\`: init failed after 12ms: init of p2 failed
      - \`p3\` did not start: p2 failed (root cause: \`p2\`)

      ## Phases

      - discover: done, 8ms, from 0ms
      - sort: done, 0ms, from 8ms
      - migrateAll: done, 201ms, from 8ms
      - initAll: done, 45ms, from 209ms

      ## Critical chain

      - 0ms: discover works 8ms
      - 8ms: survey works 30ms
      - 38ms: migrate \`p0\` waits 2ms for a client, after it waited for the survey
      - 40ms: migrate \`p0\` works 77ms, after it waited for a client
      - 117ms: migrate \`p1\` waits 2ms for a client, after it waited for a plugin
      - 119ms: migrate \`p1\` waits 66ms for its lock, after it waited for a client
      - 185ms: migrate \`p1\` works 8ms, after it waited for its lock
      - 193ms: migrate \`p1\` waits 7ms for the next attempt
      - 200ms: migrate \`p1\` works 8ms, after it waited for the next attempt
      - 208ms: init \`p0\` works 16ms, after it waited for all migrations
      - 224ms: init \`p1\` works 20ms, after it waited for a plugin
      - 244ms: ready \`p0\` works 5ms, after it waited for all inits
      - 249ms: ready \`p1\` works 5ms, after it waited for a plugin

      ## Findings

      - p2 is not up, so p3 is not up either
        - Why: p2 is optional, so the boot goes on without it: init of p2 failed
        - But: What it offers is missing until the next start of the process
        - Fact: init of p2: init of p2 failed
        - Fact: p3 needs p2, directly or through others

      ## Own time

      - migrate \`p0\`: 77ms; waited 30ms for the survey, 2ms for a client
      - survey: 30ms
      - init \`p1\`: 20ms; waited 15ms for a plugin, 1ms for all migrations
      - migrate \`p1\`: 16ms; waited 79ms for a plugin, 30ms for the survey, 2ms for a client, 66ms for its lock, 7ms for the next attempt
      - init \`p0\`: 15ms; waited 92ms for all migrations
      - init \`p2\`: 12ms; waited 15ms for a plugin, 92ms for all migrations
      - discover: 8ms
      - ready \`p0\`: 5ms; waited 20ms for all inits
      - ready \`p1\`: 5ms; waited 5ms for a plugin
      - register: 1ms

      ## Plugins

      - \`p0\`: migrate done 77ms, init done 15ms, ready done 5ms
      - \`p1\`: migrate done 23ms, init done 20ms, ready done 5ms
      - \`p2\`: optional, migrate upToDate, init failed 12ms, ready notReached
      - \`p3\`: optional, migrate upToDate, init dependency, ready dependency

      ## Applied files

      - \`p0\`: \`0.sql\`, 52ms
      - \`p0\`: \`1.sql\`, 25ms
      - \`p1\`: \`0.sql\`, 8ms, attempt 2
      "
    `);
  });

  it('has what goes on, and says that a process ended', async () => {
    const running = await tell(stage([{ initMs: 900 }, { needs: [0] }]), 500);
    expect(writeMarkdown(running)).toContain('## Now\n\n- p0 starts: its init has run for 461ms\n');
    const { bootId, events } = running;
    const cutOff = writeMarkdown(new Story({ bootId, events, end: 'cutOff', nowMs: 500 }));
    expect(cutOff).toContain('- Outcome: cut off: the process ended');
    expect(cutOff).toContain('- The process ended at this moment.');
  });

  it('is smaller than 1 MB for a thousand plugins, and says what is left out', async () => {
    const story = await tellMany(1_000);
    const markdown = writeMarkdown(story);
    expect(markdown.length).toBeLessThan(1_000_000);
    expect(markdown).toContain('- `p999`: migrate done');
    const { bootId: id, nowMs: elapsedMs } = story;
    const events = (await tellMany(400)).events as readonly BootEvent[];
    const long = writeMarkdown(storyOf(makeHostile({ id, events, elapsedMs }, '🚢'.repeat(5_000))));
    expect(Buffer.byteLength(long)).toBeLessThan(1_000_000);
    expect(long.slice(-60)).toMatch(/\n\d+ more lines are left out\.\n$/);
  });
});
