import { describe, expect, it } from 'vitest';
import { definePlugin, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots, type BootUnderTest } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

function given(plugins: readonly Plugin[]): BootUnderTest {
  return bootUnderTest({ pool: db.pool(), plugins });
}

const auth = (stopped: string[] = []): Plugin =>
  definePlugin({
    id: 'auth',
    init({ onStop }) {
      onStop(() => void stopped.push('auth'));
    },
  });

describe('add() of plugins that behave badly', () => {
  it('stop() while an addition fails: what it had started is stopped again, then all the others', async () => {
    const stopped: string[] = [];
    const { boot, recording } = given([auth(stopped)]);
    await boot.start();
    const error = await failureOf(
      boot.add([
        definePlugin({
          id: 'ends-late',
          init({ onStop, signal }) {
            onStop(() => void stopped.push('ends-late'));
            return new Promise<void>((_, reject) => {
              signal.addEventListener('abort', () => {
                void boot.stop();
                // The machine hears of it while this plugin still ends.
                setImmediate(() => reject(signal.reason as Error));
              });
            });
          },
        }),
        definePlugin({
          id: 'fails',
          init() {
            throw new Error('no light');
          },
        }),
      ]),
    );
    expect(error).toMatchObject({ code: 'INIT_FAILED', plugin: 'fails' });
    await boot.stop();
    expect(stopped).toEqual(['ends-late', 'auth']);
    expect(recording.of('boot.stopped')[0]?.errors).toEqual([]);
  });

  it('reads a plugin once: a getter that fails later does no harm to the boot', async () => {
    const { boot } = given([auth()]);
    await boot.start();
    let isBroken = false;
    const adding = boot.add({
      get id() {
        if (isBroken) throw new Error('no id any more');
        return 'moody';
      },
    });
    isBroken = true;
    expect((await adding).outcome).toBe('ready');
    expect(boot.state().phase).toBe('ready');
  });

  it('refuses a list with holes, and a value that cannot be read', async () => {
    const { boot } = given([auth()]);
    await boot.start();
    const { proxy: revoked, revoke } = Proxy.revocable({}, {});
    revoke();
    const holes: Plugin[] = [];
    holes.length = 1;
    for (const wrong of [holes, revoked]) {
      expect((await failureOf(boot.add(wrong as never))).code).toBe('PLUGIN_INVALID');
    }
    expect(boot.state().phase).toBe('ready');
  });
});
