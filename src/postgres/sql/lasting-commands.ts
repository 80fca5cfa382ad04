import { findCommand, type FoundCommand } from './transaction-control.ts';

/** Commands whose effect outlives the transaction they stand in. */
const lasting = [
  /^set\s+(?!(?:local|constraints|transaction)\b)[\w$]+(?:\s+[\w$]+)?/i,
  /^(?:listen|load)\b/i,
  /^prepare\b/i,
  /^create\s+(?:(?:global|local)\s+)?temp(?:orary)?\b(?!.*\bon\s+commit\s+drop\b)/is,
  /^declare\b(?=.*\bwith\s+hold\b)/is,
  // Anywhere in a command: both are functions. Dumps begin with the first.
  /\bset_config\b(?=\s*\([^()]*,\s*false\s*\))/i,
  /\bpg_(?:try_)?advisory_lock(?:_shared)?\b/i,
];

/**
 * Finds the first top-level command whose effect outlives its transaction.
 *
 * @example findLasting('SET ROLE app;') // { command: 'SET ROLE APP', line: 1 }
 */
export function findLasting(text: string): FoundCommand | undefined {
  return findCommand(text, lasting);
}
