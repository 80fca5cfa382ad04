import { createRepair, formatBootError } from 'slipway';
import { plugins } from './library.ts';

const [plugin = 'books', answer] = process.argv.slice(2);
const repair = createRepair({
  pool: process.env['DATABASE_URL'] ?? 'postgres://localhost/library',
  plugins,
});
try {
  const report = await repair.relocate(plugin, { dryRun: answer !== '--yes', wait: '30s' });
  for (const { kind, name, change } of report.changes) console.log(`${kind} ${name}: ${change}`);
  for (const { kind, name, because } of report.left) console.log(`${kind} ${name}: ${because}`);
  for (const statement of report.statements) console.log(`  ${statement};`);
  if (report.changes.length === 0) console.log('nothing to do');
  else if (report.dryRun) console.log('nothing was changed: --yes does it');
} catch (error) {
  console.error(formatBootError(error));
  process.exitCode = 1;
}
