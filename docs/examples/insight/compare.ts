import { diff, readStory } from 'slipway/insight';

const before = await readStory(new URL('./before.jsonl', import.meta.url));
const after = await readStory(new URL('./after.jsonl', import.meta.url));
const { totalMs, parts, changes } = diff(before, after);
const sign = (ms: number): string => `${ms > 0 ? '+' : ''}${Math.round(ms)} ms`.padStart(9);

console.log(sign(totalMs), 'in all');
for (const { plugin, step, kind, ms } of parts.slice(0, 5)) {
  console.log(sign(ms), [plugin, step].filter(Boolean).join('.'), kind);
}
for (const { sentence } of changes) console.log(sentence);
