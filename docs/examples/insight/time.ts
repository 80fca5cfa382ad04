import { blame, criticalChain, findings, readStory, waits, whatIf } from 'slipway/insight';

const story = await readStory(new URL('./after.jsonl', import.meta.url));
const round = (ms: number): string => `${Math.round(ms)} ms`.padStart(8);

console.log('What decided how long the boot took?');
for (const { plugin, step, kind, via, startMs, endMs } of criticalChain(story)) {
  console.log(
    round(endMs - startMs),
    [plugin, step].filter(Boolean).join('.'),
    `${kind}, after ${via}`,
  );
}

console.log('\nWhich steps worked longest?');
for (const { plugin, step, ownMs } of blame(story).slice(0, 4)) {
  console.log(round(ownMs), [plugin, step].filter(Boolean).join('.'));
}

console.log('\nWhat did the migration of catalog wait for?');
const { migrate } = waits(story).find(({ plugin }) => plugin === 'catalog') ?? {};
for (const [part, ms] of Object.entries(migrate ?? {})) {
  if (ms > 0) console.log(round(ms), part);
}

console.log('\nWhat is worth a look?');
for (const { title } of findings(story)) console.log(title);

console.log('\nWould more slots help, or a faster start of auth?');
console.log(round(whatIf(story, { initConcurrency: 8 }).savedMs), 'less with eight inits at once');
console.log(round(whatIf(story, { without: ['auth.init'] }).savedMs), 'less without auth.init');
