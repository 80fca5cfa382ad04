/** Every code in the body of an answer, with its message. The table is closed. */
export const httpCodes = {
  ALIVE: 'The process answers',
  READY: 'Every plugin is up',
  DEGRADED: 'The backend is up without some optional plugin',
  STARTING: 'The backend is starting',
  STOPPING: 'The backend is shutting down',
  FAILED: 'The backend could not start',
  PLUGIN_NOT_UP: 'This part of the backend is not up',
  METHOD_NOT_ALLOWED: 'Only GET and HEAD are answered here',
  INTERNAL_ERROR: 'Something went wrong on our side',
} as const;

export type HttpCode = keyof typeof httpCodes;
