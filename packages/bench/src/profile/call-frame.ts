/** A function as V8's profilers identify it. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** Whether the function belongs to Node's module loader, or to the code that strips types. */
export const isLoading = ({ url }: CallFrame): boolean =>
  /^node:internal\/(modules|bootstrap|deps\/(amaro|cjs-module-lexer))|^wasm:/.test(url);

/** The function with its place in the source, e.g. `find core/src/session/session.ts:95`. */
export function placeOf({ functionName, url, lineNumber }: CallFrame): string {
  const file = shortened(url);
  return `${functionName || 'anonymous'}${file && ` ${file}:${lineNumber + 1}`}`;
}

/** The package of the function, e.g. `pg-protocol`; for our own code the folder, e.g. `core/src/session`. */
export function sourceOf({ functionName, url }: CallFrame): string {
  if (url === '') return functionName || 'anonymous';
  const parts = shortened(url).split('/');
  if (url.startsWith('node:')) return 'node';
  if (url.includes('/node_modules/')) return parts.slice(0, parts[0]?.startsWith('@') ? 2 : 1).join('/');
  return parts.slice(0, 3).join('/');
}

const shortened = (url: string): string => url.replace(/^.*\/node_modules\//, '').replace(/^.*\/packages\//, '');
