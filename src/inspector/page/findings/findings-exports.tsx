import type { Story } from '../../../insight/story.ts';
import { writeRecording } from '../../../insight/write-recording.ts';

/** Saves the boot as it stands at the moment that is shown. Other formats are made of the recording: here they would be heavy. */
export function Exports({ story }: { readonly story: Story }) {
  const save = (): void => {
    const text = `${writeRecording(story).join('\n')}\n`;
    saveFile(`boot-${story.bootId}.jsonl`, text);
  };
  return (
    <section>
      <h2>For other tools</h2>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <button type="button" disabled={!story.record.start} onClick={save}>
          Save the recording
        </button>
        <span>
          <code>slipway export</code> makes traces, Markdown and pictures of it.
        </span>
      </form>
    </section>
  );
}

/** Lets the browser save a text as a file. */
function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/jsonl' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it after this task.
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
