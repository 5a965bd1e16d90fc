import { defineConfig } from 'intendant';
import { machine, ROLES } from './tables.ts';

// The connections come from DATABASE_URL and, for the job that applies the schema, ADMIN_DATABASE_URL.
export default defineConfig({ tables: [machine], roles: ROLES });
