/**
 * Converts examples to modules for the compiler. A page's blocks build on each other: each is a scope inside the
 * previous one. Examples in docstrings are independent. Lines keep their numbers, so that an error names the line in
 * the page: imports, which cannot be inside a scope, are moved to the first line, and everything that is not an example
 * becomes an empty line.
 */

const FENCE = /^\s*```(.*)$/;
const IMPORT = /^ *import\s+(?:type\s+)?(?:(?<names>[^'"]+?)\s+from\s+)?['"](?<source>[^'"]+)['"];?[^\n]*$/gm;
const DOCSTRING = /^\s*\/\*\*[\s\S]*?\*\/\s*$/gm;
const DOCSTRING_LINE = /^\s*\*? ?/;

export interface ExampleOptions {
  /** Whether a block can use the declarations of the previous one. */
  readonly isContinuous: boolean;
}

/** The module of a page's `ts` blocks; undefined if it has none. */
export function pageModule(markdown: string): string | undefined {
  return moduleOf(markdown.split('\n'), { isContinuous: true });
}

/** The module of the `ts` blocks in a source file's docstrings; undefined if there are none. */
export function docstringModule(source: string): string | undefined {
  const lines = source.replaceAll(/[^\n]+/g, '').split('\n');
  for (const { 0: docstring, index } of source.matchAll(DOCSTRING)) {
    const first = source.slice(0, index).split('\n').length - 1;
    for (const [offset, line] of docstring.split('\n').entries()) {
      lines[first + offset] = line.replace(DOCSTRING_LINE, '');
    }
  }
  return moduleOf(lines, { isContinuous: false });
}

function moduleOf(lines: readonly string[], { isContinuous }: ExampleOptions): string | undefined {
  let language: string | undefined;
  let open = 0;
  const code = lines.map((line) => {
    const [, info] = line.match(FENCE) ?? [];
    if (info === undefined) return language === 'ts' ? line.replace(/^(\s*)export (?!\{)/, '$1') : '';
    const isStart = language === undefined;
    const isExample = (language ?? info.trim()) === 'ts';
    language = isStart ? info.trim() : undefined;
    if (!isExample) return '';
    if (isStart) open++;
    if (isStart) return '{';
    if (isContinuous) return '';
    open--;
    return '}';
  });
  if (!code.some((line) => line.startsWith('{'))) return undefined;
  const imports = new Set<string>();
  const body = `${code.join('\n')}${'}'.repeat(open)}`.replaceAll(IMPORT, (statement, ...rest) => {
    for (const single of singleImports(rest.at(-1) as ImportParts)) imports.add(single);
    return statement.replaceAll(/[^\n]/g, '');
  });
  return `${[...imports].join(' ')} export {}; ${body}\n`;
}

interface ImportParts {
  readonly names?: string;
  readonly source: string;
}

/**
 * One statement per name, so that blocks may repeat an import. Names that a reader's own file exports are declared for
 * all blocks.
 */
function singleImports({ names, source }: ImportParts): string[] {
  if (source.startsWith('.')) return [];
  if (names === undefined) return [`import '${source}';`];
  const [, braced] = names.match(/^\{([\s\S]*)\}$/) ?? [];
  if (braced === undefined) return [`import ${names} from '${source}';`];
  return braced
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .map((name) => `import { ${name} } from '${source}';`);
}
