import type { Story } from '../insight.ts';
import { drawPage } from './draw-page.ts';
import { describeLaunches } from './launches.ts';
import { writeMarkdown } from './markdown-page.ts';
import type { Output } from './output.ts';
import { Page } from './page.ts';

/** The forms that an answer may have. */
interface Form {
  readonly json: boolean;
  readonly md?: boolean;
}

/**
 * Prints an answer in the form that was asked for: as a document, as Markdown, or for people.
 *
 * @param story What it is about. For people, a last line names the launches that followed.
 */
export function printAnswer(
  output: Output,
  { json, md = false }: Form,
  document: object,
  describe: (page: Page) => void,
  story?: Story,
): void {
  if (json) {
    output.printJson(document);
    return;
  }
  const page = new Page();
  describe(page);
  const launches = story && describeLaunches(story);
  if (launches !== undefined) page.line(launches);
  output.print(md ? writeMarkdown(page) : drawPage(page, output));
}
