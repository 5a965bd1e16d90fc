import { defineConfig } from '../index.ts';
import { onTestServer } from './on-test-server.ts';
import { vm } from './vm.ts';

export default defineConfig({
  ...onTestServer,
  tables: [vm],
  roles: { tenant_admin: 'tenant_writer', service_admin: 'writer' },
});
