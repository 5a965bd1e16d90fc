import { type Authorizer, type DbRole, MissingOrgIdError, type RoleMapping } from '@intendant/core';

/** What this service already knows of a caller. */
export interface Account {
  readonly company?: string;
  readonly isOperator: boolean;
}

/** Operators see every company's records; everybody else works on their own company's. */
export class AccountAuthorizer implements Authorizer<Account> {
  orgId(account: Account): string {
    if (!account.company) throw new MissingOrgIdError('the account belongs to no company');
    return account.company;
  }

  dbRole(account: Account): DbRole {
    return account.isOperator ? 'reader' : 'tenant_writer';
  }

  configure(_table: string, _roles: RoleMapping): void {} // This service maps no roles.
}
