import { printable } from '../../core/printable.ts';
import { findSubject } from '../../insight/headline.ts';
import { RecordingParser } from '../../insight/parse-recording.ts';
import { findTime } from '../../insight/timeline-axis.ts';
import type { Story } from '../../insight/story.ts';
import { findLastMoment, layShownAxis } from './boot-axis.ts';
import { readAddress, writeAddress, type View } from './address.ts';

/** `over` when no more lines will come; `lost` while the browser tries to connect again; `refused` when it has given up. */
export type Connection = 'connecting' | 'live' | 'lost' | 'refused' | 'over';

/** Everything that the page draws: one moment of the boot or of a launch into it, and what the reader has chosen to see of it. */
export interface Shown {
  /** The boot, or the launch that the reader has chosen, at the moment that is shown; `undefined` before its first line. */
  readonly story: Story | undefined;
  /** The same at the latest moment. */
  readonly latest: Story | undefined;
  /** The boot at the moment that is shown, with all of its launches. */
  readonly boot: Story | undefined;
  /** The boot at the latest moment. */
  readonly latestBoot: Story | undefined;
  /** When what is shown began, in ms from the start of the boot. */
  readonly beganMs: number;
  readonly connection: Connection;
  /** Whether time goes on: more lines may come, and the boot has not stopped. */
  readonly isRunning: boolean;
  /** The moment that the reader has chosen, in ms from the start of what is shown; `undefined` follows it. */
  readonly moment: number | undefined;
  /** Whether the moment moves on by itself. */
  readonly isPlaying: boolean;
  /** The plugin that the reader has chosen, or else the one that the headline is about. */
  readonly selected: string | undefined;
  /** Whether the reader has chosen it. */
  readonly isChosen: boolean;
  /** Why the recording cannot be read. */
  readonly problem: string | undefined;
}

/** While a boot runs, its bars grow this often. */
const tickMs = 250;
/** And a boot that is played again moves this often. */
const frameMs = 66;
/** How long it takes to play a boot again, unless it was shorter. */
const playedMs = 12_000;
/** Drawing takes at most a third of the time, however much happens: the rest is for the reader's clicks. */
const restFactor = 2;
/** How long after a choice of the reader the address follows. */
const addressMs = 150;

/** Holds the recording and the reader's choices, and has them drawn when they change. */
export class Model {
  readonly #draw: (shown: Shown, view: View) => void;
  readonly #parser = new RecordingParser();
  readonly #unread: string[] = [];
  #hasLines = false;
  #problem: string | undefined;
  #connection: Connection = 'connecting';
  /** How far the clock of the boot is behind the one of this page, in ms; `undefined` while it is not known. */
  #clockLag: number | undefined;
  #moment: number | undefined;
  #playingSince: { readonly moment: number; readonly at: number } | undefined;
  #view: View = 'lanes';
  #plugin: string | undefined;
  #launch: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #restUntil = 0;
  #drawn: Shown | undefined;
  #addressTimer: ReturnType<typeof setTimeout> | undefined;
  /** The story of a chosen moment, which is made once. */
  #past:
    | {
        readonly moment: number;
        readonly launch: number | undefined;
        readonly events: number;
        readonly stories: Pick<Shown, 'story' | 'boot'>;
      }
    | undefined;

  constructor(draw: (shown: Shown, view: View) => void) {
    this.#draw = draw;
    this.#readAddress();
    addEventListener('hashchange', () => {
      clearTimeout(this.#addressTimer);
      this.#readAddress();
      this.#drawNow();
    });
  }

  addLines(lines: readonly string[]): void {
    if (this.#problem !== undefined) return;
    for (const line of lines) this.#unread.push(line);
    this.#drawSoon();
  }

  setNow(ms: number): void {
    this.#clockLag = performance.now() - ms;
    this.#drawSoon();
  }

  setConnection(connection: Connection): void {
    this.#connection = connection;
    this.#drawSoon();
  }

  show(view: View): void {
    this.#view = view;
    this.#answer();
  }

  /** Selects a plugin. One that is not in what is shown leads to the boot or the launch where it is. */
  select(plugin: string | undefined): void {
    this.#plugin = plugin;
    const { latest, latestBoot } = this.#drawn ?? {};
    if (plugin !== undefined && latest && latestBoot && !latest.record.find(plugin)) {
      this.choose(latestBoot.record.findLaunchOf(plugin));
      return;
    }
    if (this.#drawn) this.#drawn = { ...this.#drawn, ...this.#readSelection(this.#drawn.story) };
    this.#answer();
  }

  /** Shows a launch, from its start to now; `undefined` shows the boot itself. */
  choose(launch: number | undefined): void {
    this.#launch = launch;
    this.goTo(undefined);
  }

  /** Shows the boot as it stood at a moment, in ms; `undefined` follows it. */
  goTo(moment: number | undefined): void {
    this.#playingSince = undefined;
    this.#moment = moment;
    this.#showChoice();
  }

  /** Lets time go on from the moment that is shown, or from the start when that is the end. Ends it if it does already. */
  play(): void {
    const latest = this.#readLatest();
    const endMs = latest ? findLastMoment(latest) : 0;
    const moment = this.#moment === undefined || this.#moment >= endMs ? 0 : this.#moment;
    this.#playingSince = this.#playingSince ? undefined : { moment, at: performance.now() };
    this.#showChoice();
  }

  #readAddress(): void {
    ({
      view: this.#view = 'lanes',
      plugin: this.#plugin,
      moment: this.#moment,
      launch: this.#launch,
    } = readAddress());
  }

  #showChoice(): void {
    this.#writeAddress();
    this.#drawNow();
  }

  /** Draws a choice at once, on the moment that is already drawn: what only time changes follows with the next drawing. */
  #answer(): void {
    // A new address costs as much as the drawing: it follows later, and once for a key that is held down.
    clearTimeout(this.#addressTimer);
    this.#addressTimer = setTimeout(() => this.#writeAddress(), addressMs);
    if (this.#drawn) this.#draw(this.#drawn, this.#view);
  }

  #writeAddress(): void {
    writeAddress({
      view: this.#view,
      plugin: this.#plugin,
      moment: this.#moment,
      launch: this.#launch,
    });
  }

  /** Lines that come together are drawn together. A timer, because a tab in the background gets no animation frames. */
  #drawSoon(leastMs = 0): void {
    if (this.#timer !== undefined) return;
    const wait = Math.max(leastMs, this.#restUntil - performance.now());
    this.#timer = setTimeout(() => this.#drawNow(), wait);
  }

  #drawNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const since = performance.now();
    this.#readLines();
    this.#playOn();
    const shown = this.#look();
    this.#drawn = shown;
    this.#draw(shown, this.#view);
    const until = performance.now();
    this.#restUntil = until + (until - since) * restFactor;
    if (shown.isPlaying) this.#drawSoon(frameMs);
    else if (shown.isRunning && shown.moment === undefined) this.#drawSoon(tickMs);
  }

  /** Reads the lines that have come. Only a drawing does, so that the story does not change between two of them. */
  #readLines(): void {
    try {
      for (const line of this.#unread) this.#parser.add(line);
      this.#hasLines ||= this.#unread.length > 0;
    } catch (error) {
      this.#problem = printable(error instanceof Error ? error.message : String(error));
    }
    this.#unread.length = 0;
  }

  /** Plays along the axis: what is drawn short is played fast. */
  #playOn(): void {
    const since = this.#playingSince;
    const latest = this.#readLatest();
    if (!since || !latest) return;
    const endMs = findLastMoment(latest);
    const axis = layShownAxis(latest, this.#connection);
    const speed = axis.place(endMs) / Math.min(endMs, playedMs);
    const place = axis.place(since.moment) + (performance.now() - since.at) * speed;
    const isOver = place >= axis.place(endMs);
    this.#moment = isOver ? endMs : findTime(axis, place);
    if (isOver) this.#playingSince = undefined;
  }

  #look(): Shown {
    const latestBoot = this.#readBoot();
    const latest = latestBoot && this.#readChosen(latestBoot);
    const { story, boot } = latest ? this.#readMoment(latest, latestBoot) : {};
    return {
      story,
      latest,
      boot,
      latestBoot,
      beganMs: latestBoot && latest ? readBegin(latestBoot, latest) : 0,
      connection: this.#connection,
      isRunning: this.#isRunning(latestBoot) && this.#isRunning(latest),
      moment: this.#moment,
      isPlaying: this.#playingSince !== undefined,
      problem: this.#problem,
      ...this.#readSelection(story),
    };
  }

  #readSelection(story: Story | undefined): Pick<Shown, 'isChosen' | 'selected'> {
    const isKnown = this.#plugin !== undefined && story?.record.find(this.#plugin) !== undefined;
    const selected = isKnown ? this.#plugin : story && findSubject(story.times);
    return { isChosen: isKnown, selected };
  }

  #isRunning(latest: Story | undefined): boolean {
    return this.#connection === 'live' && latest?.record.stoppedAtMs === undefined;
  }

  /** The latest moment of what the reader has chosen. A launch that has not begun is no choice. */
  #readLatest(): Story | undefined {
    const boot = this.#readBoot();
    return boot && this.#readChosen(boot);
  }

  #readChosen(boot: Story): Story {
    return (this.#launch === undefined ? undefined : boot.findLaunch(this.#launch)) ?? boot;
  }

  #readBoot(): Story | undefined {
    if (!this.#hasLines) return undefined;
    const isOpen = this.#connection !== 'over';
    const so = this.#parser.finish(isOpen);
    // Without a connection nothing is known of the time after the last line.
    if (this.#clockLag === undefined || !this.#isRunning(so)) return so;
    return this.#parser.finish(isOpen, Math.max(so.nowMs, performance.now() - this.#clockLag));
  }

  #readMoment(latest: Story, latestBoot: Story): Pick<Shown, 'story' | 'boot'> {
    const moment = this.#moment;
    if (moment === undefined) return { story: latest, boot: latestBoot };
    const { launch } = latest;
    const events = latestBoot.events.length;
    const past = this.#past;
    if (past?.moment === moment && past.launch === launch && past.events === events) {
      return past.stories;
    }
    const boot = latestBoot.at(readBegin(latestBoot, latest) + moment);
    const stories = { boot, story: latest === latestBoot ? boot : latest.at(moment) };
    this.#past = { moment, launch, events, stories };
    return stories;
  }
}

function readBegin({ record }: Story, { launch }: Story): number {
  return launch === undefined ? 0 : (record.findLaunch(launch)?.startedAtMs ?? 0);
}
