import { definePlugin } from 'slipway';
import { booksApi, mailer } from './api.ts';

const everyMs = 60_000;
const dayMs = 86_400_000;

/** Reminds readers of the books they have. The library works without it. */
export const reminders = definePlugin({
  id: 'reminders',
  required: false,
  deps: { books: booksApi, mail: mailer.optional() },
  timeouts: { stop: '5s' },
  ready({ books, mail, logger, signal, onStop }) {
    if (!mail) {
      logger.warn('no mailer: no reminders');
      return;
    }
    const remind = async (): Promise<void> => {
      const lent = await books.lentBefore(new Date(Date.now() - 14 * dayMs));
      for (const { title, reader } of lent) {
        if (signal.aborted) return;
        await mail.send(reader, `Please bring back ${title}`);
      }
    };
    let round = Promise.resolve();
    const timer = setInterval(() => {
      round = round
        .then(remind)
        .catch((error: unknown) => logger.error({ err: error }, 'the reminders failed'));
    }, everyMs);
    onStop(() => {
      clearInterval(timer);
      return round; // the signal has been aborted before: it ends after the mail that is under way
    });
  },
});
