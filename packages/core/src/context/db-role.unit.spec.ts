import { describe, expect, test } from 'vitest';
import {
  compareDbRoles,
  contextFromGrpcMetadata,
  contextFromHeaders,
  DB_ROLES,
  type DbRole,
  MetadataAuthorizer,
  MissingContextError,
  MissingOrgIdError,
  OperationNotAllowedError,
  SimpleInstancer,
} from '../index.ts';

test('rights grow from the narrowest reader to the widest writer', () => {
  const shuffled: DbRole[] = [
    'writer',
    'tenant_reader',
    'instance_writer',
    'reader',
    'tenant_instance_reader',
    'tenant_writer',
    'instance_reader',
    'tenant_instance_writer',
  ];
  expect(shuffled.toSorted(compareDbRoles)).toEqual([
    'tenant_instance_reader',
    'tenant_reader',
    'instance_reader',
    'reader',
    'tenant_instance_writer',
    'tenant_writer',
    'instance_writer',
    'writer',
  ]);
  expect(shuffled.toSorted(compareDbRoles)).toEqual(DB_ROLES);
});

describe('the metadata authorizer', () => {
  const authorizer = new MetadataAuthorizer();
  const tables = ['app', 'app_users'];

  test('takes the org from the context, and requires both', () => {
    expect(authorizer.orgId({ orgId: 'Pepsi' })).toBe('Pepsi');
    expect(() => authorizer.orgId(undefined as never)).toThrow(MissingContextError);
    expect(() => authorizer.orgId({ roles: ['tenant_admin'] })).toThrow(MissingOrgIdError);
  });

  test.each([
    ['service_admin', 'writer'],
    ['service_auditor', 'reader'],
    ['org_admin', 'tenant_writer'],
    ['auditor', 'tenant_reader'],
    ['SERVICE_ADMIN', 'tenant_reader'],
  ])('without a mapping uses the name of the last role: %s is %s', (role, dbRole) => {
    expect(authorizer.dbRole({ orgId: 'Pepsi', roles: ['first', role] }, tables)).toBe(dbRole);
  });

  test('with a mapping uses only the mapping', () => {
    const mapped = new MetadataAuthorizer();
    mapped.configure('app', { SERVICE_ADMIN: 'reader' });
    expect(mapped.dbRole({ roles: ['SERVICE_ADMIN'] }, ['app'])).toBe('reader');
    expect(() => mapped.dbRole({ roles: ['service_admin'] }, ['app'])).toThrow(OperationNotAllowedError);
    expect(() => mapped.dbRole({ roles: [] }, ['app'])).toThrow(OperationNotAllowedError);
  });

  test('is never wider than either of two tables, in whatever order they are named', () => {
    const mapped = new MetadataAuthorizer();
    for (const left of DB_ROLES)
      for (const right of DB_ROLES) {
        mapped.configure('left', { role: left });
        mapped.configure('right', { role: right });
        const both = mapped.dbRole({ roles: ['role'] }, ['left', 'right']);
        expect(mapped.dbRole({ roles: ['role'] }, ['right', 'left'])).toBe(both);
        for (const word of ['tenant_', 'instance_', 'reader'])
          expect(both.includes(word)).toBe(left.includes(word) || right.includes(word));
      }
  });
});

test('an instancer returns none if the context names none', () => {
  const instancer = new SimpleInstancer();
  expect(instancer.instanceId({})).toBeUndefined();
  expect(instancer.instanceId({ instanceId: '' })).toBeUndefined();
  expect(instancer.instanceId({ instanceId: 'Americas' })).toBe('Americas');
});

describe('contexts of requests', () => {
  const expected = { orgId: 'Coke', roles: ['tenant_admin', 'auditor'], instanceId: 'Americas' };

  test('come from headers, whatever their capitals and however roles are listed', () => {
    expect(contextFromHeaders({ OrgId: 'Coke', roles: ['tenant_admin', 'auditor'], INSTANCEID: 'Americas' })).toEqual(
      expected,
    );
    expect(
      contextFromHeaders(new Headers({ orgid: 'Coke', roles: 'tenant_admin, auditor', instanceid: 'Americas' })),
    ).toEqual(expected);
    expect(contextFromHeaders({ 'x-org': 'Coke' }, { orgId: 'X-Org' })).toMatchObject({ orgId: 'Coke', roles: [] });
  });

  test('come from gRPC metadata', () => {
    const metadata = new Map([
      ['orgid', ['Coke']],
      ['roles', ['tenant_admin', 'auditor']],
      ['instanceid', ['Americas']],
    ]);
    expect(contextFromGrpcMetadata({ get: (name) => metadata.get(name) ?? [] })).toEqual(expected);
  });

  test('name no org if a request names two', () => {
    expect(contextFromHeaders({ orgid: ['Coke', 'Pepsi'] }).orgId).toBeUndefined();
  });
});
