import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { printable } from '../../core/printable.ts';
import { chooseBand } from './bands.ts';
import type { ViewProps } from './view-props.ts';

interface SectionProps {
  readonly title: string;
  readonly children: ComponentChildren;
}

/** A part of the details, with its heading. */
export function Section({ title, children }: SectionProps) {
  return (
    <section class="part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

interface PluginLinkProps {
  readonly id: string;
  readonly select: (id: string) => void;
}

/** The name of a plugin, which selects it. */
export function PluginLink({ id, select }: PluginLinkProps) {
  return (
    <button type="button" class="link" onClick={() => select(id)}>
      {printable(id)}
    </button>
  );
}

interface LinkedProps extends Pick<ViewProps, 'select'> {
  readonly text: string;
  /** The plugin that the text is about; left out when there is nothing to select. */
  readonly plugin: string | undefined;
}

/** A sentence in which the name of its plugin selects it. */
export function Linked({ text, plugin, select }: LinkedProps) {
  if (plugin === undefined) return <>{printable(text)}</>;
  const at = findName(text, plugin);
  if (at === undefined) {
    return (
      <>
        <PluginLink id={plugin} select={select} />: {printable(text)}
      </>
    );
  }
  return (
    <>
      {printable(text.slice(0, at))}
      <PluginLink id={plugin} select={select} />
      {printable(text.slice(at + plugin.length))}
    </>
  );
}

/** Finds where a text names a plugin; `auth` is named neither by `auth-api` nor by `auth.api`. */
function findName(text: string, plugin: string): number | undefined {
  for (let at = text.indexOf(plugin); at !== -1; at = text.indexOf(plugin, at + 1)) {
    const isLonger =
      /[\w.-]$/.test(text.slice(0, at)) || /^(?:[\w-]|\.\w)/.test(text.slice(at + plugin.length));
    if (!isLonger) return at;
  }
  return undefined;
}

interface MessageProps {
  readonly text: string;
  readonly tone?: 'failure';
}

/** A text of people or programs, of any length and content. A long one scrolls, by the keyboard too. */
export function Message({ text, tone }: MessageProps) {
  return (
    <div class={tone ? `message ${tone}` : 'message'} {...(text.length > 300 && { tabIndex: 0 })}>
      {printable(text)}
    </div>
  );
}

/** Facts, each with its name. Those that are not known are left out. */
export function Facts({ of }: { readonly of: readonly (readonly [string, string | undefined])[] }) {
  return (
    <dl class="pairs">
      {of.map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Message text={value} />
              </dd>
            </div>
          ),
      )}
    </dl>
  );
}

interface BandProps<Item> {
  readonly of: readonly Item[];
  readonly most: number;
  /** The index of the item that has to be seen. */
  readonly around?: number;
  /** Whether short items stand in one line. */
  readonly isFlow?: boolean;
  readonly children: (item: Item, index: number) => ComponentChildren;
}

/** A list of which only a part is drawn at first, because it may be long. A button shows more of it. */
export function Band<Item>({ of, most, around = 0, isFlow = false, children }: BandProps<Item>) {
  const [pages, setPages] = useState(1);
  const [from, to] = chooseBand(of.length, around, most * pages);
  const rest = of.length - (to - from);
  return (
    <>
      <ol class={isFlow ? 'plain flow' : 'plain'}>
        {from > 0 && <li class="soft">{from} earlier</li>}
        {of.slice(from, to).map((item, at) => children(item, from + at))}
      </ol>
      {rest > 0 && (
        <button type="button" class="more" onClick={() => setPages(pages + 1)}>
          Show more ({rest} left)
        </button>
      )}
    </>
  );
}
