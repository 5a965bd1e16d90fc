export type { WorkerModule, WorkerSetting } from './commands/worker.ts';
export { defineConfig, type IntendantConfig } from './config/define-config.ts';
