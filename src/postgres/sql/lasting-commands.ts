import { findCommand, type FoundCommand } from './transaction-control.ts';

/** Commands whose effect outlives the transaction they stand in. */
const lasting = [
  /^set\s+(?!(?:local|constraints|transaction)\b)[\w$]+(?:\s+[\w$]+)?/i,
  /^(?:listen|load)\b/i,
  /^prepare\b/i,
  /^create\s+(?:(?:global|local)\s+)?temp(?:orary)?\b(?!.*\bon\s+commit\s+drop\b)/is,
];

/**
 * Finds the first top-level command whose effect outlives its transaction.
 *
 * @example findLasting('SET ROLE app;') // { command: 'SET ROLE APP', line: 1 }
 */
export function findLasting(text: string): FoundCommand | undefined {
  return findCommand(text, lasting);
}
