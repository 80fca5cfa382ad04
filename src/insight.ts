export { readStory } from './boot/record/read-story.ts';
export { blame } from './insight/blame.ts';
export type { BlamedFile, BlameEntry } from './insight/blame.ts';
export { criticalChain } from './insight/critical-chain.ts';
export { diff } from './insight/diff.ts';
export type { Change, ChangeKind, Diff, DiffPart } from './insight/diff.ts';
export { exportFormats, exportStory } from './insight/exports/export-story.ts';
export type { ExportFormat } from './insight/exports/export-story.ts';
export { findingMeanings } from './insight/finding.ts';
export type { Evidence, Finding, FindingId } from './insight/finding.ts';
export { findings } from './insight/findings.ts';
export { headline } from './insight/headline.ts';
export type { RecordedEvent } from './insight/recorded-event.ts';
export { ruleMeanings } from './insight/rules.ts';
export type { Rule, Violation } from './insight/rules.ts';
export { Story, storyOf } from './insight/story.ts';
export type { StoryEnd, Told } from './insight/story.ts';
export { timeline } from './insight/timeline.ts';
export type {
  FileBar,
  Lane,
  PhaseBar,
  Placed,
  StatementBar,
  StepBar,
  Timeline,
} from './insight/timeline.ts';
export type { Gap } from './insight/timeline-axis.ts';
export { verify } from './insight/verify.ts';
export { waits } from './insight/waits.ts';
export type { PluginLedger, StepLedger } from './insight/waits.ts';
export { whatIf } from './insight/what-if.ts';
export type { WhatIf, WhatIfOptions } from './insight/what-if.ts';
export { why } from './insight/why.ts';
export type { Cause, Explanation } from './insight/why.ts';
