import { headline, readStory, why } from 'slipway/insight';

const recording = await readStory(new URL('./after.jsonl', import.meta.url));
/** One second after the start. Of a boot in this process it would be `storyOf(boot)`. */
const story = recording.at(1_000);

console.log(headline(story));
console.log(why(story, 'billing').sentence);
for (const { plugin = 'another process', kind } of why(story, 'billing').chain) {
  console.log(`  ${plugin}: ${kind}`);
}
