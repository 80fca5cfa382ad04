import { describe, expect, test, vi } from 'vitest';
import { situationNames } from '../../docs/examples/shop/options.ts';
import { startShop } from '../proofs/shop-process.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

describe('npm run demo', () => {
  test('with --help prints its options', async () => {
    const shop = startShop({ args: ['--help'] });
    expect(await shop.ended).toEqual({ code: 0, signal: null });
    const options = ['--once', '--upgrade', '--grow', '--show', '--plugins', '--slow', '--help'];
    for (const option of [...options, ...situationNames, 'DATABASE_URL']) {
      expect(shop.output).toContain(option);
    }
  });

  test.each([
    '--upgrad',
    'upgrade',
    '--once=yes',
    '--show',
    '--show nothing',
    '--plugins 0',
    '--plugins 2001',
    '--plugins 1e2',
    '--once --show lock',
    '--upgrade --grow',
  ])('with %s, which it cannot do, prints its options and exits with 2', async (line) => {
    const shop = startShop({ args: line.split(' ') });
    expect(await shop.ended).toEqual({ code: 2, signal: null });
    expect(shop.output).toContain('Usage: npm run demo');
    expect(shop.output).not.toContain('slipway boots');
  });
});
