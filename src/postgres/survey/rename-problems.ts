import { problem, type Problem } from '../../core/error-codes.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import type { RenamedSchema } from './rename-marker.ts';

/** Makes the problem of a replica whose plugin's schema was renamed by a newer release. */
export function renamedAway(plugin: string, schema: string, now: RenamedSchema): Problem {
  const there = quoteIdentifier(now.schema);
  const message = `${plugin}: its schema ${quoteIdentifier(schema)} is ${there} now, of the plugin ${now.plugin}`;
  return problem('MIGRATION_RENAMED', message, {
    plugin,
    hint: `Deploy the release in which the plugin is called ${now.plugin}. To go back to this one: ALTER SCHEMA ${there} RENAME TO ${quoteIdentifier(schema)}; if this is another plugin, remove the line "slipway: renamed" from the comment on ${there}.`,
  });
}
