import { storyOf, type Story } from '../../src/insight/story.ts';
import { runStaged } from '../insight/staged-boot.ts';
import { plainPlugin, type StagedBoot } from '../insight/staged-plan.ts';

/** About 100 events a plugin: three files with fifteen statements each. */
const files = Array.from({ length: 3 }, () => Array.from({ length: 15 }, (_, at) => 2 + (at % 5)));

/** Stages a boot of many plugins, each of which needs one or two that stand before it, and has much to migrate. */
export function stageLargeBoot(plugins: number): StagedBoot {
  return {
    plugins: Array.from({ length: plugins }, (_, at) => ({
      ...plainPlugin,
      needs: at < 5 ? [] : [...new Set([at - 5, Math.floor(at / 3)])],
      files,
      initMs: 5 + ((at * 7) % 40),
      readyMs: at % 3,
    })),
    migrateWidth: 4,
    initWidth: 8,
    discoverMs: 20,
    surveyMs: 60,
    registerMs: 10,
  };
}

/** Runs a boot of many plugins on a clock of its own, so that it takes no time. */
export async function runLargeBoot(plugins: number, untilMs?: number): Promise<Story> {
  return storyOf(await runStaged(stageLargeBoot(plugins), untilMs));
}
