import { saysFirst } from '../../../core/graph-edges.ts';
import type { JoinedEdge } from '../../../insight/exports/neighbourhood.ts';

/**
 * Leaves out the edges of the order that other edges say already: when b comes after a, and c after b, then c comes after a.
 * What a plugin needs stays, and so does the critical chain. A plugin that comes before all others is needed by all of them, and
 * only its next ones are drawn.
 */
export function leaveOutImplied(edges: readonly JoinedEdge[]): readonly JoinedEdge[] {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of edges) {
    const known = next.get(from);
    if (known) known.add(to);
    else next.set(from, new Set([to]));
  }
  return edges.filter(({ from, to, kind, reasons, isCritical }) => {
    const isFirst = reasons.length > 0 && reasons.every((reason) => saysFirst(from, to, reason));
    if ((kind === 'needs' && !isFirst) || isCritical) return true;
    next.get(from)?.delete(to);
    if (leads(next, from, to)) return false;
    next.get(from)?.add(to);
    return true;
  });
}

function leads(next: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): boolean {
  const seen = new Set<string>();
  const left = [from];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    if (at === to) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    left.push(...(next.get(at) ?? []));
  }
  return false;
}
