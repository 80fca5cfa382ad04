import { findOpenStep } from '../../../insight/open-steps.ts';
import { readNodeState } from '../../../insight/exports/neighbourhood.ts';
import { fitText, measureText } from '../../../insight/exports/svg-text.ts';
import type { PluginRecord } from '../../../insight/plugin-record.ts';
import { describeStatus, shortenStatus, writeStatus } from '../../../insight/status.ts';
import type { StepTimes } from '../../../insight/step-times.ts';

export const nodeHeight = 42;
const nameSize = 13;
const statusSize = 11;
/** Room for the mark and the edges of a node. */
const padding = 34;
const narrowest = 168;
const widest = 210;

/** The width of all nodes: the longest name fits, unless it is very long. */
export function measureNodes(ids: readonly string[]): number {
  const names = ids.map((id) => measureText(id, nameSize) + padding);
  return Math.min(widest, Math.max(narrowest, ...names));
}

/** Shortens a name in the middle, because names that are alike differ at their ends. */
export function shortenName(name: string, width: number): string {
  const room = width - padding;
  if (measureText(name, nameSize) <= room) return name;
  const characters = Array.from(name);
  let kept = characters.length;
  const cut = (): string => {
    const head = Math.ceil(kept / 2);
    return `${characters.slice(0, head).join('')}…${characters.slice(head - kept).join('')}`;
  };
  while (kept > 2 && measureText(cut(), nameSize) > room) kept -= 1;
  return cut();
}

/** How a plugin is drawn. */
export interface NodeText {
  /** The class of its colour. */
  readonly kind: string;
  /** A shape for readers who do not see the colour. */
  readonly mark: string;
  /** Its state in a few words, cut to the width. */
  readonly short: string;
  readonly whole: string;
}

/** Describes a plugin in the graph: its state, or the step that it is in, or the reason why it waits. */
export function describeNode(times: StepTimes, plugin: PluginRecord, width: number): NodeText {
  const state = readNodeState(plugin);
  const status = describeStatus(times, plugin);
  const whole = writeStatus(status);
  const short = fitText(shortenStatus(status), width - padding, statusSize);
  return { kind: chooseKind(), mark: status.glyph, short, whole };

  function chooseKind(): string {
    if (status.tone !== 'wait' && status.tone !== 'run') {
      const hasStopped = state === 'up' && plugin.steps.stop.outcome !== undefined;
      return hasStopped ? 'stopped' : state;
    }
    const open = findOpenStep(times, plugin);
    if (open?.wait) return open.wait.kind;
    return open?.step === 'migrate' ? 'file' : (open?.step ?? state);
  }
}
