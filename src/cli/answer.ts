import { drawPage } from './draw-page.ts';
import { writeMarkdown } from './markdown-page.ts';
import type { Output } from './output.ts';
import { Page } from './page.ts';

/** The forms that an answer may have. */
interface Form {
  readonly json: boolean;
  readonly md?: boolean;
}

/** Prints an answer in the form that was asked for: as a document, as Markdown, or for people. */
export function printAnswer(
  output: Output,
  { json, md = false }: Form,
  document: object,
  describe: (page: Page) => void,
): void {
  if (json) {
    output.printJson(document);
    return;
  }
  const page = new Page();
  describe(page);
  output.print(md ? writeMarkdown(page) : drawPage(page, output));
}
