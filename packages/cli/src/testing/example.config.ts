import { defineConfig } from '../index.ts';
import { vm } from './vm.ts';

export default defineConfig({ tables: [vm], roles: { tenant_admin: 'tenant_writer', service_admin: 'writer' } });
