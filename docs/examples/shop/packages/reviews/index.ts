import { drizzle } from 'drizzle-orm/node-postgres';
import { definePlugin } from 'slipway';
import { choiceField, idOf, integerField, textField } from '../../http/fields.ts';
import { badRequest, forbidden } from '../../http/refusal.ts';
import { router } from '../../http/routes.ts';
import { auditLog } from '../../plugins/audit/api.ts';
import { authApi } from '../../plugins/auth/api.ts';
import { catalogApi } from '../../plugins/catalog/api.ts';
import { shippingApi } from '../shipping/api.ts';
import { createReviewBook } from './review-book.ts';
import { reviewStatus } from './schema.ts';

/** What customers think of what they got; a shop without it still sells. */
const reviews = definePlugin({
  id: 'reviews',
  required: false,
  // Relative to the package, whose folder discovery knows.
  migrations: './drizzle',
  database: (pool) => drizzle({ client: pool }),
  deps: {
    routes: router,
    auth: authApi,
    catalog: catalogApi,
    shipping: shippingApi,
    log: auditLog,
  },
  init({ routes, auth, catalog, shipping, log, database }) {
    const book = createReviewBook(database);

    routes.get('/products/:id', (request) => book.listFor(idOf(request)));
    routes.post('/products/:id', async (request) => {
      const customer = await auth.userOf(request);
      const product = await catalog.get(idOf(request));
      const stars = integerField(request.body, 'stars', 1);
      if (stars > 5) throw badRequest('Expected stars to be 5 at most');
      if (!(await shipping.hasReceived(customer.id, product.id))) {
        throw forbidden(`Reviews are for those who have received ${product.name}`);
      }
      const words = textField(request.body, 'words', 2_000);
      return book.write(customer, { productId: product.id, stars, words });
    });
    routes.post('/reviews/:id/moderations', async (request) => {
      const moderator = await auth.userWithRole(request, 'staff', 'support');
      const status = choiceField(request.body, 'status', reviewStatus.enumValues);
      const review = await book.moderate(idOf(request), status, moderator);
      await log.record({
        action: `reviews.${status}`,
        subject: `review ${review.id}`,
        actorId: moderator.id,
      });
      return review;
    });
  },
});

// oxlint-disable-next-line import/no-default-export -- discovery takes the default export of a package
export default reviews;
