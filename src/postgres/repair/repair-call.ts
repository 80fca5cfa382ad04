/** The repairs that change something. */
export type RepairName = 'baseline' | 'markApplied' | 'acceptEdited' | 'relocate';

/**
 * How a hint names the call that repairs what it speaks of.
 *
 * @example repairCall('relocate', 'catalog') // "repair.relocate('catalog')"
 */
export function repairCall(name: RepairName | 'holder', plugin: string, more?: string): string {
  return `repair.${name}('${plugin}'${more === undefined ? '' : `, ${more}`})`;
}
