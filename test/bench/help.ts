import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot, requireBuiltPackage } from '../support/built-package.ts';
import { measureInTurn, type Rounds, type Sample } from './measure.ts';

/** What the command line needs before it has done anything. */
export interface HelpResult {
  /** `slipway --help` */
  readonly help: Sample;
  /** `node -e 0` */
  readonly bare: Sample;
}

/** Measures processes from their start to their end. */
export function measureHelp(rounds: Rounds): Promise<HelpResult> {
  requireBuiltPackage();
  const program = join(packageRoot, 'dist/src/cli/main.js');
  return measureInTurn(
    { help: () => timeProcess([program, '--help']), bare: () => timeProcess(['-e', '0']) },
    rounds,
  );
}

async function timeProcess(args: readonly string[]): Promise<number> {
  const startMs = performance.now();
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}`);
  return performance.now() - startMs;
}
