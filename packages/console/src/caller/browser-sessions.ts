import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** How a browser proved its identity. A token is verified again with each request, so the session ends with the token. */
export type Credential = { readonly token: string } | { readonly context: unknown };

/** A browser that is signed in. */
export interface BrowserSession {
  readonly credential: Credential;
  /** A secret in each request that changes something, so that another site cannot send such a request. */
  readonly csrfToken: string;
  readonly expiresAt: number;
}

const MAX_SESSIONS = 10_000;

/** The signed-in browsers of this process. The oldest are removed when there are too many. */
export class BrowserSessions {
  readonly #sessions = new Map<string, BrowserSession>();
  readonly #lifetimeMs: number;

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  /** Returns the cookie's value. Only its hash is kept. */
  open(credential: Credential): { readonly id: string; readonly session: BrowserSession } {
    const id = randomBytes(24).toString('base64url');
    const session = {
      credential,
      csrfToken: randomBytes(18).toString('base64url'),
      expiresAt: Date.now() + this.#lifetimeMs,
    };
    const oldest = this.#sessions.keys().next().value;
    if (this.#sessions.size >= MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
    this.#sessions.set(hashOf(id), session);
    return { id, session };
  }

  find(id: string): BrowserSession | undefined {
    const session = this.#sessions.get(hashOf(id));
    if (session && session.expiresAt > Date.now()) return session;
    this.close(id);
    return undefined;
  }

  close(id: string): void {
    this.#sessions.delete(hashOf(id));
  }
}

const hashOf = (id: string): string => createHash('sha256').update(id).digest('base64');

export function isCsrfToken({ csrfToken }: BrowserSession, given: string | undefined): boolean {
  const [wanted, found] = [Buffer.from(csrfToken), Buffer.from(given ?? '')];
  return wanted.length === found.length && timingSafeEqual(wanted, found);
}
