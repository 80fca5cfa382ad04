import { nameTenant, getTenant } from '../core/tenants.ts';
import type { RecordedEvent } from './recorded-event.ts';
import type { Story } from './story.ts';
import type { Blame } from './rules.ts';
import { looseMs } from './verify-boot.ts';

type EventOf<Name extends RecordedEvent['type']> = Extract<RecordedEvent, { readonly type: Name }>;

/** Checks the files of each migration, and their statements. */
export function checkFiles({ ownEvents: events, record }: Story, blame: Blame): void {
  const walks = new Map<string, FileWalk>();
  for (const event of events) {
    if (!('plugin' in event) || event.plugin === undefined) continue;
    if (!event.type.startsWith('plugin.migrate.')) continue;
    const who = nameTenant(event.plugin, getTenant(event));
    // Those of a tenant are in its own event.
    const pending = record.find(who)?.pending ?? [];
    const walk = walks.get(who) ?? new FileWalk(pending, blame);
    walks.set(who, walk);
    walk.take(event);
  }
}

/** Walks through the migration of one plugin, or of one of its tenants. */
class FileWalk {
  #pending: readonly string[];
  readonly #blame: Blame;
  readonly #applied = new Map<string, RecordedEvent>();
  /** The attempt that runs. */
  #open: EventOf<'plugin.migrate.applying'> | undefined;
  #lastIndex = -1;
  #hasLock = false;
  #statement: EventOf<'plugin.migrate.executing'> | undefined;
  #lastStatement = 0;

  constructor(pending: readonly string[], blame: Blame) {
    this.#pending = pending;
    this.#blame = blame;
  }

  take(event: RecordedEvent): void {
    switch (event.type) {
      case 'plugin.migrate.planned':
        // A tenant may have another turn while the boot is up, with files that have changed, or in a schema made anew.
        this.#pending = event.pending;
        for (const file of event.pending) this.#applied.delete(file);
        this.#lastIndex = -1;
        break;
      case 'plugin.migrate.started':
        this.#hasLock = true;
        break;
      case 'plugin.migrate.applying':
        this.#apply(event);
        break;
      case 'plugin.migrate.executing':
        this.#execute(event);
        break;
      case 'plugin.migrate.executed':
        this.#endStatement(event);
        break;
      case 'plugin.migrate.retrying':
        this.#giveUp();
        break;
      case 'plugin.migrate.applied':
        this.#endFile(event);
        break;
      case 'plugin.migrate.settled':
      case 'plugin.migrate.finished':
        this.#giveUp();
        this.#hasLock = false;
        break;
      default:
    }
  }

  #giveUp(): void {
    this.#open = undefined;
    this.#statement = undefined;
  }

  #apply(event: EventOf<'plugin.migrate.applying'>): void {
    const { plugin, file, index, of } = event;
    const place = this.#pending.indexOf(file);
    const what = `${file} of ${plugin}`;
    if (!this.#hasLock) this.#blame('file-order', `${what} begins without the lock`, event);
    else if (this.#open)
      this.#blame('file-order', `${what} begins while ${this.#open.file} runs`, this.#open, event);
    else if (place >= 0 && place < this.#lastIndex)
      this.#blame('file-order', `${what} begins too late`, event);
    else if (!(index >= 1 && index <= of))
      this.#blame('file-order', `${what} is number ${index} of ${of}`, event);
    if (place < 0) this.#blame('file-pending', `${what} was not pending`, event);
    const applied = this.#applied.get(file);
    if (applied)
      this.#blame('file-once', `${what} is applied already, and begins again`, applied, event);
    this.#lastIndex = Math.max(this.#lastIndex, place);
    this.#open = event;
    this.#statement = undefined;
    this.#lastStatement = 0;
  }

  #endFile(event: EventOf<'plugin.migrate.applied'>): void {
    const { plugin, file, durationMs } = event;
    const open = this.#open;
    const what = `${file} of ${plugin}`;
    if (open?.file !== file)
      this.#blame('file-order', `${what} is applied and has not begun`, open, event);
    else if (durationMs < event.elapsedMs - open.elapsedMs - looseMs) {
      this.#blame(
        'duration',
        `${what} says ${durationMs} ms, and began ${event.elapsedMs - open.elapsedMs} ms ago`,
        open,
        event,
      );
    }
    if (this.#statement)
      this.#blame(
        'statements',
        `${what} is applied while statement ${this.#statement.statement} runs`,
        this.#statement,
        event,
      );
    this.#applied.set(file, event);
    this.#giveUp();
  }

  #execute(event: EventOf<'plugin.migrate.executing'>): void {
    const { plugin, file, statement, statements } = event;
    const what = `statement ${statement} of ${file} of ${plugin}`;
    if (this.#open?.file !== file)
      this.#blame('statements', `${what} begins outside of its file`, event);
    else if (statement <= this.#lastStatement || statement > (statements ?? statement)) {
      this.#blame(
        'statements',
        `${what} begins after statement ${this.#lastStatement} of ${statements ?? 'any'}`,
        event,
      );
      // A function may send queries side by side.
    } else if (this.#statement && statements !== undefined) {
      this.#blame('statements', `${what} begins while another one runs`, this.#statement, event);
    }
    this.#lastStatement = Math.max(this.#lastStatement, statement);
    this.#statement = statements === undefined ? undefined : event;
  }

  #endStatement(event: EventOf<'plugin.migrate.executed'>): void {
    const { plugin, file, statement, statements, durationMs } = event;
    if (statements === undefined) return;
    const running = this.#statement;
    this.#statement = undefined;
    const what = `statement ${statement} of ${file} of ${plugin}`;
    if (running?.file !== file || running.statement !== statement) {
      this.#blame('statements', `${what} has run and has not begun`, running, event);
    } else if (Math.abs(event.elapsedMs - running.elapsedMs - durationMs) > looseMs) {
      this.#blame(
        'duration',
        `${what} says ${durationMs} ms, and began ${event.elapsedMs - running.elapsedMs} ms ago`,
        running,
        event,
      );
    }
  }
}
