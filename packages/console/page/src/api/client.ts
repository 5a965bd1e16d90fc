/** An error response of the API, with its message. */
export class ApiProblem extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

let csrfToken = '';

/** The path where the console is mounted, from the page's <base>. */
export const apiUrl = (path: string): string => new URL(`api/v1/${path}`, document.baseURI).href;

export const get = <Body>(path: string, signal?: AbortSignal): Promise<Body> =>
  send<Body>(path, signal ? { signal } : {});

export const post = <Body>(path: string, body: unknown): Promise<Body> =>
  send<Body>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-csrf-token': csrfToken },
    body: JSON.stringify(body),
  });

async function send<Body>(path: string, init: RequestInit): Promise<Body> {
  const response = await fetch(apiUrl(path), { credentials: 'same-origin', ...init }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiProblem(0, 'The console cannot be reached. It is tried again by itself.');
  });
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as Body;
  throw await problemOf(response);
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const body = (await response.json().catch(() => ({}))) as { detail?: string; title?: string };
  return new ApiProblem(
    response.status,
    body.detail ?? body.title ?? `The console answered with status ${response.status}.`,
  );
}

export type Credentials = { readonly token: string } | { readonly link: string };

/** Throws ApiProblem with status 401 if the request is not signed in. */
export async function readSession(): Promise<void> {
  ({ csrfToken } = await get<{ csrfToken: string }>('session'));
}

export async function signIn(credentials: Credentials): Promise<void> {
  ({ csrfToken } = await post<{ csrfToken: string }>('session', credentials));
}

export async function signOut(): Promise<void> {
  await send('session', { method: 'DELETE', headers: { 'x-csrf-token': csrfToken } });
  location.reload();
}

/** The path of one resource. */
export const resourcePath = ({ table, id }: { readonly table: string; readonly id: string }): string =>
  `resources/${encodeURIComponent(table)}/${encodeURIComponent(id)}`;
