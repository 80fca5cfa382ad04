/** @param {import('knex').Knex} knex */
export async function up(knex) {
  if (!(await knex.schema.hasTable('customers'))) {
    await knex.schema.createTable('customers', (table) => {
      table.increments('id');
      table.string('name').notNullable();
    });
  }
  await knex.schema.alterTable('orders', (table) => {
    table.integer('customer_id').references('customers.id').onDelete('CASCADE');
  });
  const [{ id }] = await knex('customers').insert({ name: 'first' }).returning('id');
  await knex('orders').update({ customer_id: id });
  await knex.raw('ALTER TABLE orders ADD CHECK (id > 0); ALTER TABLE customers ADD UNIQUE (name)');
}

/** @param {import('knex').Knex} knex */
export async function down(knex) {
  await knex.schema.alterTable('orders', (table) => table.dropColumn('customer_id'));
  await knex.schema.dropTable('customers');
}
