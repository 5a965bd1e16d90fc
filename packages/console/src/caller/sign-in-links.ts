import { createHash, randomBytes } from 'node:crypto';
import type { MetadataContext } from '@intendant/core';

/** Options of one sign-in link. */
export interface SignInLinkOptions {
  /** How long the link works, in milliseconds. Default 10 minutes. */
  readonly expiresInMs?: number;
}

interface Issued<C> {
  readonly context: C;
  readonly expiresAt: number;
}

const TEN_MINUTES = 600_000;

/**
 * One-time links into a console: for a local console, which has no password. Whoever opens the link first is signed in
 * with its context; after that, and after ten minutes, the link does not work any more.
 *
 * ```ts
 * const signInLinks = new SignInLinks<MetadataContext>();
 * const app = createConsole({ store, realization, subscriptions, signInLinks });
 * const token = signInLinks.issue({ orgId: 'Coke', roles: ['tenant_admin'] });
 * console.log(`http://localhost:4000/#link=${token}`);
 * ```
 */
export class SignInLinks<C = MetadataContext> {
  readonly #issued = new Map<string, Issued<C>>();

  /** Returns the secret part of the link. Only its hash is kept. */
  issue(context: C, { expiresInMs = TEN_MINUTES }: SignInLinkOptions = {}): string {
    this.#forgetExpired();
    const token = randomBytes(24).toString('base64url');
    this.#issued.set(hashOf(token), { context, expiresAt: Date.now() + expiresInMs });
    return token;
  }

  /** The context of a link, once. Undefined for a link that is unknown, used or expired. */
  redeem(token: string): C | undefined {
    this.#forgetExpired();
    const hash = hashOf(token);
    const issued = this.#issued.get(hash);
    this.#issued.delete(hash);
    return issued?.context;
  }

  #forgetExpired(): void {
    const now = Date.now();
    for (const [hash, { expiresAt }] of this.#issued) if (expiresAt <= now) this.#issued.delete(hash);
  }
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64');
