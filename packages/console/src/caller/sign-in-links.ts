import { createHash, randomBytes } from 'node:crypto';
import type { MetadataContext } from '@intendant/core';
import { checkDuration, checkOptions } from '@intendant/core/internal';

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
 * One-time sign-in links for a local console, which has no passwords. The first person who opens a link is signed in with
 * its context. A link works once, and only until it expires.
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

  /** Makes a link and returns its secret part. Only a hash of the secret is stored. Throws ConfigurationError for a wrong option. */
  issue(context: C, options: SignInLinkOptions = {}): string {
    checkOptions<SignInLinkOptions>('SignInLinks.issue', options, { expiresInMs: true });
    const expiresInMs = checkDuration('SignInLinks.issue: expiresInMs', options.expiresInMs ?? TEN_MINUTES);
    this.#forgetExpired();
    const token = randomBytes(24).toString('base64url');
    this.#issued.set(hashOf(token), { context, expiresAt: Date.now() + expiresInMs });
    return token;
  }

  /** Returns the context of a link and makes the link invalid. Returns undefined if it is unknown, used or expired. */
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
