import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withMermaid } from 'vitepress-plugin-mermaid';

const source = fileURLToPath(new URL('../.source', import.meta.url));

const titleOf = (page: string): string =>
  readFileSync(`${source}/${page}.md`, 'utf8')
    .match(/^# (.*)$/m)?.[1]
    ?.replaceAll(/[`\\]/g, '') ?? page;

const pages = (...names: string[]) =>
  names
    .filter((name) => {
      try {
        readFileSync(`${source}/${name}.md`);
        return true;
      } catch {
        return false;
      }
    })
    .map((name) => ({ text: titleOf(name), link: `/${name}` }));

/** Pages of a folder that are in no group of the sidebar, so that a new page is never missing. */
const others = (folder: string, named: readonly { link: string }[]) =>
  pages(
    ...readdirSync(`${source}/${folder}`)
      .filter((name) => name.endsWith('.md') && name !== 'index.md')
      .map((name) => `${folder}/${name.slice(0, -3)}`)
      .filter((page) => !named.some(({ link }) => link === `/${page}`))
      .toSorted(),
  );

/** The pages from the first program to a service in production, in reading order. */
const path = pages(
  'guide/quickstart',
  'guide/concepts',
  'guide/getting-started',
  'guide/authorizers',
  'guide/realization',
  'guide/subscription',
  'guide/deployment',
  'guide/scaling',
  'security',
  'guide/upgrades',
  'guide/testing',
  'guide/troubleshooting',
);
const data = pages('guide/data-store', 'guide/schema', 'guide/kysely-and-drizzle', 'guide/protostore');
const realization = pages('guide/enforcement-points', 'guide/workers', 'guide/drift-and-deletion');
const feed = pages('guide/durable-subscriptions', 'guide/mirrors-and-browsers', 'guide/running-the-feed');
const tools = pages('guide/command-line', 'guide/console', 'guide/operations', 'guide/devdb');
const groups = {
  'From zero to production': path,
  'Data in depth': data,
  'Realization in depth': realization,
  'Feed in depth': feed,
  Tools: tools,
};

export default withMermaid({
  title: 'Intendant',
  description: 'Realize desired state for many tenants, on nothing but Postgres and Node.js',
  lang: 'en',
  srcDir: '.source',
  outDir: './dist',
  cleanUrls: false,
  lastUpdated: false,
  ignoreDeadLinks: false,
  // Its table has five columns, which need the room of the outline.
  transformPageData: (page) => {
    if (page.relativePath === 'reference/errors.md') page.frontmatter['aside'] = false;
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide/concepts' },
      { text: 'Reference', link: '/reference/errors' },
      { text: 'API', link: '/api/' },
      { text: 'Architecture', link: '/architecture' },
    ],
    sidebar: [
      ...Object.entries(groups).map(([text, items]) => ({ text, items })),
      { text: 'More', items: others('guide', Object.values(groups).flat()) },
      { text: 'Reference', items: others('reference', []) },
      { text: 'API', items: [{ text: 'Packages', link: '/api/' }] },
      {
        text: 'Background',
        collapsed: true,
        items: [
          ...pages('comparison', 'architecture', 'benchmarks'),
          { text: 'Decisions', link: '/decisions/' },
          ...pages('contributing', 'changelog'),
        ],
      },
    ].filter(({ items }) => items.length > 0),
  },
});
