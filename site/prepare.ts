// Collects the pages of the site in .source: the repository's docs, the architecture page and the API reference.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const SITE = dirname(fileURLToPath(import.meta.url));
const REPOSITORY = resolve(SITE, '..');
const SOURCE = join(SITE, '.source');
const LINK = /(?<!!)\[(?<text>[^\]]*)\]\((?<path>[^)\s#]*)(?<anchor>#[^)\s]*)?\)/g;

/** Pages outside docs/, with their place in the site. */
const OTHER_PAGES = new Map([
  ['ARCHITECTURE.md', 'architecture.md'],
  ['CONTRIBUTING.md', 'contributing.md'],
  ['SECURITY.md', 'security-policy.md'],
  ['CHANGELOG.md', 'changelog.md'],
]);

/** The sections of the README from the first command to a project of one's own are a page of the site. */
const QUICKSTART = 'guide/quickstart.md';
const QUICKSTART_SECTIONS = ['Try it', 'A first program', 'Use it in your own project'];

/** Where a file of the repository is in the site; undefined if it is not part of the site. */
function placeInSite(file: string): string | undefined {
  const path = relative(REPOSITORY, file);
  if (OTHER_PAGES.has(path)) return OTHER_PAGES.get(path);
  if (path === 'README.md') return QUICKSTART;
  if (path === 'docs/decisions') return 'decisions/index.md';
  const isPage = path.startsWith('docs/') && existsSync(file);
  return isPage ? path.slice('docs/'.length).replace(/^README\.md$/, 'overview.md') : undefined;
}

/** Links between pages are adapted to the site. A link to code becomes the path of the file in the repository. */
function adaptLinks(markdown: string, file: string, page: string): string {
  return markdown.replaceAll(LINK, (link: string, ...rest: unknown[]) => {
    const { text, path, anchor = '' } = rest.at(-1) as { text: string; path: string; anchor?: string };
    if (path === '' || /^[a-z]+:/.test(path)) return link;
    const target = resolve(dirname(file), path);
    const place = placeInSite(target);
    if (place === undefined) return pathInRepository(text, relative(REPOSITORY, target));
    const url = relative(dirname(page), place) || place;
    return `[${text}](${url.startsWith('.') ? url : `./${url}`}${anchor})`;
  });
}

/** A text that is the path, or the folder that the path is in, is not repeated. */
function pathInRepository(text: string, path: string): string {
  const name = text.replaceAll('`', '');
  return path === name || dirname(path) === name ? `\`${name}\`` : `${text} (\`${path}\`)`;
}

function addPage(file: string, page: string, markdown = readFileSync(file, 'utf8')): void {
  const target = join(SOURCE, page);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, adaptLinks(markdown, file, page));
}

function addQuickstart(): void {
  const readme = join(REPOSITORY, 'README.md');
  const sections = readFileSync(readme, 'utf8').split(/^(?=## )/m);
  const chosen = QUICKSTART_SECTIONS.map((title) => {
    const section = sections.find((text) => text.startsWith(`## ${title}\n`));
    if (section === undefined) throw new Error(`README.md has no section "${title}"; correct QUICKSTART_SECTIONS`);
    return section;
  });
  addPage(readme, QUICKSTART, `# Quickstart\n\n${chosen.join('')}`);
}

/** The list of decisions, which is a folder in the repository. */
function addDecisionIndex(): void {
  const folder = join(SOURCE, 'decisions');
  const rows = readdirSync(folder)
    .filter((name) => /^\d/.test(name))
    .toSorted()
    .map((name) => `- [${readFileSync(join(folder, name), 'utf8').match(/^# (.*)$/m)?.[1] ?? name}](./${name})`);
  writeFileSync(
    join(folder, 'index.md'),
    `# Decisions\n\nWhy it is built this way, with the options that were measured.\n\n${rows.join('\n')}\n`,
  );
}

rmSync(SOURCE, { recursive: true, force: true });
for (const entry of readdirSync(join(REPOSITORY, 'docs'), { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = join(entry.parentPath, entry.name);
  const page = placeInSite(file);
  if (page === undefined) continue;
  if (page.endsWith('.md')) addPage(file, page);
  else cpSync(file, join(SOURCE, page), { recursive: true });
}
for (const [file, page] of OTHER_PAGES) if (existsSync(join(REPOSITORY, file))) addPage(join(REPOSITORY, file), page);
addQuickstart();
addDecisionIndex();
cpSync(join(SITE, 'index.md'), join(SOURCE, 'index.md'));
execFileSync(process.execPath, [join(SITE, 'node_modules/typedoc/bin/typedoc')], {
  cwd: SITE,
  env: { ...process.env, NODE_OPTIONS: '' },
  stdio: ['ignore', 'ignore', 'inherit'],
});
