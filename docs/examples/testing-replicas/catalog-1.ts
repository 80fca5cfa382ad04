import { definePlugin, sqlFiles } from 'slipway';

/** The release that is out there: in your package, a dependency such as `"catalog-1": "npm:@acme/catalog@1"`. */
export const catalog = definePlugin({
  id: 'catalog',
  version: '1.0.0',
  migrations: sqlFiles(new URL('./sql-1', import.meta.url)),
});
