export { listenError } from './listen-error.ts';
export { OperationsServer, type Readiness } from './operations-server.ts';
export { runService } from './run-service.ts';
export type { Service } from './service.ts';
export { PROCESS_SETTINGS } from './settings.ts';
