/** A function as V8's profilers identify it. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** Node's module loader and the code that it runs to strip types. */
export const isLoading = ({ url }: CallFrame): boolean =>
  /^node:internal\/(modules|bootstrap|deps\/(amaro|cjs-module-lexer))|^wasm:/.test(url);

/** `find core/src/session/session.ts:95` */
export function placeOf({ functionName, url, lineNumber }: CallFrame): string {
  const file = shortened(url);
  return `${functionName || 'anonymous'}${file && ` ${file}:${lineNumber + 1}`}`;
}

/** The package, or for our own code the folder in it: `pg-protocol`, `core/src/session`. */
export function sourceOf({ functionName, url }: CallFrame): string {
  if (url === '') return functionName || 'anonymous';
  const parts = shortened(url).split('/');
  if (url.startsWith('node:')) return 'node';
  if (url.includes('/node_modules/')) return parts.slice(0, parts[0]?.startsWith('@') ? 2 : 1).join('/');
  return parts.slice(0, 3).join('/');
}

const shortened = (url: string): string => url.replace(/^.*\/node_modules\//, '').replace(/^.*\/packages\//, '');
