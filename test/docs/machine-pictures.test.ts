import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { drawMachine } from '../../docs/reference/machine-picture.ts';
import { describeMachines } from '../../machines/index.ts';
import { measureText } from '../../src/insight/exports/svg-text.ts';
import type { Place } from '../../src/inspector/page/chart/chart-place.ts';
import { repository } from '../architecture/imports.ts';
import { findOverlaps } from '../inspector/overlaps.ts';

const machines = describeMachines();

/** The texts of a picture, each with the place that it takes in a usual font. */
function placeTexts(svg: string): ReadonlyMap<string, Place> {
  const texts = svg.matchAll(/<text x="([\d.-]+)" y="([\d.-]+)" class="([^"]*)">([^<]*)</g);
  return new Map(
    [...texts].map(([, x = '', y = '', classes = '', text = ''], at): [string, Place] => {
      const size = classes.includes('small') ? 9.5 : 11;
      const width = measureText(text, size) * 0.85;
      const left = classes.includes('middle') ? Number(x) - width / 2 : Number(x);
      return [`${at} ${text}`, { x: left, y: Number(y) - size * 0.75, width, height: size * 0.75 }];
    }),
  );
}

/** The boxes of states, outer borders only. */
function placeStates(svg: string): readonly Place[] {
  const rects = svg.matchAll(
    /<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)" rx="(?:6|13)"/g,
  );
  return [...rects].map(([, x, y, width, height]) => ({
    x: Number(x),
    y: Number(y),
    width: Number(width),
    height: Number(height),
  }));
}

describe('the pictures of the machines', () => {
  it('are all in the story of a boot, and it has no others', () => {
    const page = readFileSync(join(repository, 'docs/lifecycle.md'), 'utf8');
    const shown = [...page.matchAll(/\]\(pictures\/machine-(\w+)\.svg\)/g)].map(
      ([, id]) => id ?? '',
    );
    expect(shown.toSorted()).toEqual(machines.map(({ id }) => id).toSorted());
  });

  it.each(machines)('$id has the name of each state, and no text on another', (machine) => {
    const svg = drawMachine(machine);
    for (const { name } of machine.states) expect(svg).toContain(`>${name}</text>`);
    expect(placeStates(svg)).toHaveLength(machine.states.length);
    expect(findOverlaps(placeTexts(svg))).toEqual([]);
  });

  it.each(machines)('$id has each text either inside of one state or outside of all', (machine) => {
    const svg = drawMachine(machine);
    const states = placeStates(svg);
    for (const [text, place] of placeTexts(svg)) {
      const touched = states.filter(
        (state) =>
          findOverlaps(
            new Map([
              ['text', place],
              ['state', state],
            ]),
          ).length > 0,
      );
      const isInside = touched.every(
        ({ x, width }) => place.x >= x && place.x + place.width <= x + width,
      );
      expect(isInside, text).toBe(true);
    }
  });

  it('label each arrow with its event and its guard', () => {
    const svg = drawMachine({
      id: 'door',
      initial: 'closed',
      states: [
        {
          name: 'closed',
          transitions: [
            { event: 'OPEN', target: 'open', guard: 'hasKey' },
            { event: 'KNOCK' },
            { event: 'always', target: 'gone', guard: 'isBurnt' },
          ],
        },
        { name: 'open', transitions: [{ event: 'CLOSE', target: 'closed' }] },
        { name: 'gone', isFinal: true },
      ],
    });
    const texts = [...placeTexts(svg).keys()].map((each) => each.replace(/^\d+ /, ''));
    expect(texts).toEqual(['closed', 'open', 'gone', 'OPEN [hasKey]', '[isBurnt]', 'CLOSE']);
  });
});
