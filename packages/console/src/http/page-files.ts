import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Context } from 'hono';
import { routePath } from 'hono/route';
import { problemResponse } from './problem.ts';

/** The folder of the built page, relative to `src` and to `dist` alike. */
export const PAGE_FOLDER = new URL('../../dist/page/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly brotli: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer>;
}

/** The built page. Its files are read once, at the first request. */
export class PageFiles {
  readonly #basePath: string | undefined;
  #files: ReadonlyMap<string, PageFile> | undefined;

  constructor(basePath: string | undefined) {
    this.#basePath = basePath;
  }

  /** Returns a file of the page. Any other path is a view of the page, so it returns the page itself. */
  answer(context: Context): Response {
    this.#files ??= readPage();
    const base = this.#baseOf(context);
    const path = context.req.path.slice(base.length - 1);
    const isAsset = path.startsWith('/assets/');
    const file = path === '/index.html' ? undefined : this.#files.get(path.slice(1));
    if (file) return respond(context, file, isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
    if (isAsset) return notFound();
    const page = this.#files.get('index.html');
    if (!page) return problemResponse(404, { detail: 'The page is not built. Run npm run console, or npm run build.' });
    return context.body(withBase(page, base), 200, {
      'content-type': page.type,
      'cache-control': 'no-cache',
    });
  }

  /** The path where the console is mounted, with a slash at its end. */
  #baseOf(context: Context): string {
    const base = this.#basePath ?? routePath(context).replace(/\*$/, '');
    return base.endsWith('/') ? base : `${base}/`;
  }
}

const notFound = (): Response => problemResponse(404, { detail: 'There is nothing at this path.' });

const withBase = ({ plain }: PageFile, base: string): string =>
  Buffer.from(plain)
    .toString()
    .replace('<base href="/" />', `<base href="${base.replaceAll(/[^\w/.~-]/g, encodeURIComponent)}" />`);

function respond(context: Context, file: PageFile, cacheControl: string): Response {
  const headers = {
    'content-type': file.type,
    'cache-control': cacheControl,
    etag: file.etag,
    vary: 'accept-encoding',
  };
  if (context.req.header('if-none-match') === file.etag) return context.body(null, 304, headers);
  const accepted = context.req.header('accept-encoding') ?? '';
  if (/\bbr\b/.test(accepted)) return context.body(file.brotli, 200, { ...headers, 'content-encoding': 'br' });
  if (/\bgzip\b/.test(accepted)) return context.body(file.gzip, 200, { ...headers, 'content-encoding': 'gzip' });
  return context.body(file.plain, 200, headers);
}

function readPage(): ReadonlyMap<string, PageFile> {
  if (!existsSync(PAGE_FOLDER)) return new Map();
  const names = readdirSync(PAGE_FOLDER, { recursive: true, withFileTypes: true });
  return new Map(
    names.flatMap((entry) => {
      const type = TYPES[extname(entry.name)];
      if (!entry.isFile() || type === undefined) return [];
      const path = `${entry.parentPath}/${entry.name}`;
      const name = path.slice(fileURLToPath(PAGE_FOLDER).length).replaceAll('\\', '/').replace(/^\//, '');
      return [[name, readFile(path, type)] as const];
    }),
  );
}

function readFile(path: string, type: string): PageFile {
  const plain = readFileSync(path);
  return {
    type,
    etag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
    plain: new Uint8Array(plain),
    brotli: new Uint8Array(brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } })),
    gzip: new Uint8Array(gzipSync(plain)),
  };
}
