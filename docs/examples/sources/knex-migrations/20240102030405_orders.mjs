/** @param {import('knex').Knex} knex */
export async function up(knex) {
  await knex.schema.createTable('orders', (table) => {
    table.increments('id');
    table.string('title', 80).notNullable().index();
    table.enu('state', ['new', 'paid'], { useNative: true, enumName: 'order_state' });
    table.timestamp('placed_at', { useTz: true }).defaultTo(knex.fn.now());
  });
}

/** @param {import('knex').Knex} knex */
export async function down(knex) {
  await knex.schema.dropTable('orders');
}
