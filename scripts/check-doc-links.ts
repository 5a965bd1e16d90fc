// Checks that every relative link in the repository's Markdown leads to an existing file and heading.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { markdownFiles } from './docs/repository-files.ts';

const LINK = /\]\(([^)\s]+)\)/g;
const FENCE = /^ *```.*?^ *```/gms;
const ELSEWHERE = /^[a-z]+:/;

/** The anchor of a heading as GitHub makes it: lower case, without punctuation, with hyphens for spaces. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

const anchorsIn = (file: string): string[] =>
  [
    ...readFileSync(file, 'utf8')
      .replaceAll(FENCE, '')
      .matchAll(/^#+ (.*)$/gm),
  ].map(([, heading = '']) => anchorOf(heading));

function problemWith(link: string, file: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? file : resolve(dirname(file), decodeURIComponent(path));
  if (!existsSync(target)) return 'there is no such file';
  if (anchor === undefined || !statSync(target).isFile() || !target.endsWith('.md')) return undefined;
  return anchorsIn(target).includes(anchor) ? undefined : 'there is no such heading';
}

const problems = markdownFiles().flatMap((file) =>
  [...readFileSync(file, 'utf8').replaceAll(FENCE, '').matchAll(LINK)].flatMap(([, link = '']) => {
    const problem = ELSEWHERE.test(link) ? undefined : problemWith(link, join(process.cwd(), file));
    return problem === undefined ? [] : [`${file}: ${link}: ${problem}`];
  }),
);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
