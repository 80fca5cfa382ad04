import { listNames } from './printable.ts';
/** The repairs that change something. */
export type RepairName = 'baseline' | 'markApplied' | 'acceptEdited' | 'relocate';

/**
 * How a hint names the call that repairs what it speaks of.
 *
 * @example repairCall('relocate', 'catalog') // "repair.relocate('catalog')"
 */
export function repairCall(
  name: RepairName | 'holder',
  plugin: string,
  objects?: readonly string[],
): string {
  const more = objects ? `, { objects: [${listNames(objects.map(literal))}] }` : '';
  return `repair.${name}('${plugin}'${more})`;
}

/** How a hint names the call that takes a file as applied. */
export function markAppliedCall(plugin: string, file: string): string {
  return `repair.markApplied('${plugin}', [${literal(file)}])`;
}

function literal(text: string): string {
  return /['\\\n]/.test(text) ? JSON.stringify(text) : `'${text}'`;
}
