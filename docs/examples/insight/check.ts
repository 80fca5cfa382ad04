import { exportStory, readStory, verify } from 'slipway/insight';

const story = await readStory(new URL('./after.jsonl', import.meta.url));

console.log(verify(story));
console.log(exportStory(story, 'mermaid').split('\n').slice(0, 8).join('\n'));
