import { bootIn, withDatabase } from './fresh-database.ts';
import { generateFiles, tablesOf, withMigratingPlugins } from './generated-plugins.ts';
import { measureInTurn, type Rounds, type Sample } from './measure.ts';
import { bootInTwoPasses, bootWithSlipway, sendRaw, type Rival } from './rivals.ts';

/** The first start of a backend with some years behind it. */
export interface InstallResult {
  readonly plugins: number;
  readonly files: number;
  readonly slipway: Sample;
  readonly twoPass: Sample;
  readonly raw: Sample;
  /** How many times as long the two-pass way takes as Slipway. */
  readonly ratio: number;
  /** How many times as long Slipway takes as the SQL alone. */
  readonly overRaw: number;
}

export const filesPerInstalledPlugin = 7;

/** Installs the same plugins in three ways in turn, each time into an empty database. */
export async function measureInstall(
  adminUrl: string,
  count: number,
  rounds: Rounds,
): Promise<InstallResult> {
  const files = generateFiles(filesPerInstalledPlugin);
  const measure = async (plugins: Parameters<Rival>[1]): Promise<InstallResult> => {
    const install = (rival: Rival): Promise<number> =>
      withDatabase(adminUrl, (database) =>
        bootIn(database, rival, plugins, {
          tables: tablesOf(plugins, { histories: rival !== sendRaw }),
        }),
      );
    const samples = await measureInTurn(
      {
        slipway: () => install(bootWithSlipway),
        twoPass: () => install(bootInTwoPasses),
        raw: () => install(sendRaw),
      },
      rounds,
    );
    const { slipway, twoPass, raw } = samples;
    return {
      plugins: count,
      files: count * filesPerInstalledPlugin,
      ...samples,
      ratio: twoPass.medianMs / slipway.medianMs,
      overRaw: slipway.medianMs / raw.medianMs,
    };
  };
  return withMigratingPlugins(count, 'layers', measure, files);
}
