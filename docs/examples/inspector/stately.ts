import { readStory } from 'slipway/insight';
import { createStatelyAdapter, type StatelyMessage } from 'slipway/inspector';

const story = await readStory(new URL('../insight/after.jsonl', import.meta.url));
const messages: StatelyMessage[] = [];
createStatelyAdapter(story, { send: (message) => messages.push(message) });

for (const message of messages) {
  if (message.type !== '@xstate.actor') continue;
  const { name, definition } = message;
  const { states } = JSON.parse(definition) as { readonly states: object };
  console.log(`${name}: ${Object.keys(states).join(', ')}`);
}
