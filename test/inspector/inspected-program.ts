import { createBoot } from 'slipway';
import { createInspector } from 'slipway/inspector';

/** Runs as a process of its own: a host that boots once a browser is there, stops, and has nothing left to do. */

const [url, recording] = process.argv.slice(2);
if (recording !== undefined) {
  const inspector = await createInspector(recording);
  console.log(inspector.url);
  process.once('SIGTERM', () => void inspector.close());
} else {
  const boot = createBoot({
    pool: url ?? '',
    plugins: [
      { id: 'auth' },
      {
        id: 'busy',
        init: () => {
          // Nothing else in this process runs meanwhile.
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
          console.log('free');
        },
      },
    ],
  });
  console.log((await createInspector(boot)).url);
  // It goes on when the test has connected.
  await new Promise((resolve) => process.stdin.once('data', resolve));
  process.stdin.destroy();
  await boot.start();
  await boot.stop();
}
