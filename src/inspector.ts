export { createInspector } from './inspector/create-inspector.ts';
export type { Inspected, Inspector, InspectorOptions } from './inspector/create-inspector.ts';
export { exportHtml } from './inspector/export-html.ts';
export { createStatelyAdapter } from './inspector/stately-adapter.ts';
export type { StatelyMessage } from './inspector/stately-adapter.ts';
