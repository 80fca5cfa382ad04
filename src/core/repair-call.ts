import { listNames } from './printable.ts';
/** The repairs that change something. */
export type RepairName = 'baseline' | 'markApplied' | 'acceptEdited' | 'forget' | 'relocate';

/**
 * Writes the call of a repair for a hint.
 *
 * @example repairCall('relocate', 'catalog') // "repair.relocate('catalog')"
 */
export function repairCall(
  name: RepairName | 'holder',
  plugin: string,
  objects?: readonly string[],
): string {
  const more = objects ? `, { objects: [${listNames(objects.map(literal))}] }` : '';
  return `repair.${name}(${literal(plugin)}${more})`;
}

/** Writes the call that adopts the history of another tool, and its command, for a hint. */
export function adoptCall(plugin: string, tool: string): string {
  return `repair.baseline('${plugin}', { from: '${tool}' }) (slipway repair baseline ${plugin} --from ${tool})`;
}

/** Writes the call that marks a file as applied, for a hint. */
export function markAppliedCall(plugin: string, file: string): string {
  return `repair.markApplied(${literal(plugin)}, [${literal(file)}])`;
}

/** Writes the call that marks all files up to one as applied, for a hint. */
export function baselineCall(plugin: string, upTo: string): string {
  return `repair.baseline('${plugin}', { upTo: ${literal(upTo)} })`;
}

function literal(text: string): string {
  return /['\\\n]/.test(text) ? JSON.stringify(text) : `'${text}'`;
}
