// Checks that the search of the built site finds what readers look for: node check-search.ts, a step of `npm run docs`.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A search text, and a page that must be among the results. */
const SEARCHES = [
  ['RevisionConflictError', '/reference/errors.html'],
  ['RevisionConflictError', '/api/@intendant/core.html'],
  ['persistIntent', '/guide/realization.html'],
  ['enforcement point', '/guide/enforcement-points.html'],
] as const;

interface SearchResult {
  readonly id: string;
}
interface MiniSearchClass {
  loadJSON(json: string, options: object): { search(text: string, options: object): SearchResult[] };
}

const SITE = dirname(fileURLToPath(import.meta.url));
const CHUNKS = join(SITE, 'dist/assets/chunks');

/** The library with which VitePress searches; it is installed with VitePress. */
async function loadMiniSearch(): Promise<MiniSearchClass> {
  const vitepress = createRequire(join(SITE, 'package.json')).resolve('vitepress/package.json');
  const { default: MiniSearch } = createRequire(vitepress)('minisearch') as { default: MiniSearchClass };
  return MiniSearch ?? (createRequire(vitepress)('minisearch') as MiniSearchClass);
}

async function loadIndex(): Promise<string> {
  const file = readdirSync(CHUNKS).find((name) => name.startsWith('@localSearchIndexroot.') && name.endsWith('.js'));
  if (!file) throw new Error(`no search index in ${CHUNKS}; run \`npm run docs\` first`);
  const { default: json } = (await import(pathToFileURL(join(CHUNKS, file)).href)) as { default: string };
  return json;
}

const options = { fields: ['title', 'titles', 'text'], storeFields: ['title', 'titles'] };
const index = (await loadMiniSearch()).loadJSON(await loadIndex(), options);
for (const [text, page] of SEARCHES) {
  const results = index.search(text, { fuzzy: 0.2, prefix: true, boost: { title: 4, text: 2, titles: 1 } });
  const place = results.findIndex(({ id }) => id.startsWith(page));
  if (place < 0) {
    console.error(`✗ the search for \`${text}\` does not find ${page}`);
    process.exitCode = 1;
  } else console.log(`✓ the search for \`${text}\` finds ${page} (result ${place + 1})`);
}
