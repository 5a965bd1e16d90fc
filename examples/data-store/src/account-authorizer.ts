import { type Authorizer, type DbRole, MissingOrgIdError, type RoleMapping } from '@intendant/core';

/** What this service already knows about a caller. */
export interface Account {
  readonly company?: string;
  readonly isOperator: boolean;
}

/** Operators see every company's records; all others work on the records of their own company. */
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
