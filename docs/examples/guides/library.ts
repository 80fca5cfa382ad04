import type { Pool } from 'pg';
import { createBoot, provide } from 'slipway';
import type { Boot, Logger, Plugin } from 'slipway';
import { mailer } from './api.ts';
import type { Mailer } from './api.ts';
import { books } from './books.ts';
import { overview } from './overview.ts';
import { reminders } from './reminders.ts';

/** In any order: Slipway sorts them. */
export const plugins: readonly Plugin[] = [overview, reminders, books];

export interface LibraryOptions {
  /** Stays the caller's. */
  readonly pool: Pool;
  readonly mail?: Mailer;
  readonly logger?: Logger;
}

/** Puts the backend together; nothing runs yet. */
export function createLibrary({ pool, mail, logger }: LibraryOptions): Boot {
  return createBoot({
    pool,
    plugins,
    services: mail ? [provide(mailer, mail)] : [],
    ...(logger && { logger }),
  });
}
