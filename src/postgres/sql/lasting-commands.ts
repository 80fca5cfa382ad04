import { findCommand, type FoundCommand } from './transaction-control.ts';

/** Commands that change the session they run in. */
const sessionChanges = [
  /^set\s+(?!(?:local|constraints|transaction)\b)[\w$]+(?:\s+[\w$]+)?/i,
  /^(?:listen|load)\b/i,
  /^prepare\b/i,
  /^create\s+(?:(?:global|local)\s+)?temp(?:orary)?\b(?!.*\bon\s+commit\s+drop\b)/is,
  /^declare\b(?=.*\bwith\s+hold\b)/is,
  // Anywhere in a command, because it is a function. Dumps begin with it.
  /\bset_config\b(?=\s*\([^()]*,\s*false\s*\))/i,
];

/** Commands whose effect outlives the transaction they stand in. */
const lasting = [...sessionChanges, /\bpg_(?:try_)?advisory_lock(?:_shared)?\b/i];

/** They take back what a host has set for all that use its connections. */
const resets = /^(?:reset|discard)\b/i;

/** Most texts have none of these words, and need no closer look. */
const anyChange = /\b(?:set|listen|load|prepare|temp|temporary|hold|set_config|reset|discard)\b/i;

/**
 * Finds the first top-level command whose effect outlives its transaction.
 *
 * @example findLasting('SET ROLE app;') // { command: 'SET ROLE APP', line: 1 }
 */
export function findLasting(text: string): FoundCommand | undefined {
  return findCommand(text, lasting);
}

/**
 * Finds the first top-level command that leaves its session in another state than it was: for connections that others use
 * afterwards. Advisory locks are none.
 */
export function findSessionChange(text: string): FoundCommand | undefined {
  return anyChange.test(text) ? findCommand(text, [...sessionChanges, resets]) : undefined;
}
