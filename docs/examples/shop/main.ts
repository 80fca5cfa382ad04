import { linkSlipway } from './link-slipway.ts';
import { readOptions, usage } from './options.ts';

const options = tryToReadOptions();
if (options === 'help') {
  process.stdout.write(usage);
} else if (options) {
  // What imports Slipway is imported once it is there.
  await linkSlipway();
  const { runDemo } = await import('./demo.ts');
  await runDemo(options);
}

function tryToReadOptions() {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 2;
    return undefined;
  }
}
