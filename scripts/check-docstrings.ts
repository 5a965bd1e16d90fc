// Checks that every name a package exports, and every public member of it, has a docstring.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type Comment, type Declaration, type Program, parseSync, type Span } from 'oxc-parser';

interface Source {
  readonly file: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
}

type Member = Span & { readonly type: string };

const sources = new Map<string, Source>();

function sourceOf(file: string): Source {
  const known = sources.get(file);
  if (known) return known;
  const text = readFileSync(file, 'utf8');
  const { program, comments } = parseSync(file, text);
  const source = { file, text, program, comments };
  sources.set(file, source);
  return source;
}

/** A comment that is not a docstring, e.g. an instruction for the linter. */
const LINE_COMMENT = /^\s*\/\/.*$/gm;

/** A docstring ends directly before the node; keywords such as `export` belong to the node. */
const isDocumented = ({ comments, text }: Source, { start }: Span): boolean =>
  comments.some(
    (comment) =>
      comment.type === 'Block' &&
      comment.value.startsWith('*') &&
      comment.end <= start &&
      text.slice(comment.end, start).replaceAll(LINE_COMMENT, '').trim() === '',
  );

const lineOf = ({ text }: Source, { start }: Span): number => text.slice(0, start).split('\n').length;

/** The exported names of a file, each with the file and the name of its declaration. */
function* exportsOf(file: string): Generator<{ name: string; file: string }> {
  for (const statement of sourceOf(file).program.body) {
    if (statement.type === 'ExportAllDeclaration') yield* exportsOf(resolve(dirname(file), statement.source.value));
    if (statement.type !== 'ExportNamedDeclaration') continue;
    const target = statement.source === null ? file : resolve(dirname(file), statement.source.value);
    if (!existsSync(target)) continue; // Re-exported from another package, and documented there.
    for (const { local } of statement.specifiers)
      if (local.type === 'Identifier') yield { name: local.name, file: target };
    if (statement.declaration) for (const name of namesOf(statement.declaration)) yield { name, file };
  }
}

function namesOf(declaration: Declaration): string[] {
  if (declaration.type === 'VariableDeclaration')
    return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []));
  return 'id' in declaration && declaration.id?.type === 'Identifier' ? [declaration.id.name] : [];
}

/** The statement that declares a name. Overloads have one statement each; the first has the docstring. */
function declarationOf(source: Source, name: string): { node: Span; declaration: Declaration } | undefined {
  for (const statement of source.program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration && 'type' in declaration && namesOf(declaration as Declaration).includes(name))
      return { node: statement, declaration: declaration as Declaration };
  }
  return undefined;
}

/** Members that a user sees: those of an interface, an object type, or the public part of a class. */
function membersOf(declaration: Declaration): Member[] {
  switch (declaration.type) {
    case 'TSInterfaceDeclaration':
      return declaration.body.body.filter(({ type }) => type !== 'TSIndexSignature');
    case 'ClassDeclaration':
      if (declaration.implements && declaration.implements.length > 0) return []; // Documented in the interface.
      return declaration.body.body.filter(isPublicMember);
    default:
      return [];
  }
}

const UNTOLD = new Set(['constructor', 'name', 'toJSON']);

function isPublicMember(member: Member): boolean {
  const { key, computed, accessibility, override } = member as unknown as {
    key?: { type: string; name?: string };
    computed?: boolean;
    accessibility?: string;
    override?: boolean;
  };
  if (key === undefined || key.type === 'PrivateIdentifier' || accessibility === 'private') return false;
  return !computed && !override && !UNTOLD.has(key.name ?? '');
}

function problemsOf(file: string, name: string): string[] {
  const source = sourceOf(file);
  const found = declarationOf(source, name);
  if (found === undefined) return [];
  const place = (node: Span, what: string) =>
    `${relative('.', file)}:${lineOf(source, node)}: ${what} has no docstring`;
  return [
    ...(isDocumented(source, found.node) ? [] : [place(found.node, name)]),
    ...membersOf(found.declaration)
      .filter((member) => !isDocumented(source, member))
      .map((member) =>
        place(
          member,
          `${name}.${source.text
            .slice(member.start, member.end)
            .split(/[\s?:(<]/)
            .find((word) => !['readonly', 'get', 'static', 'async'].includes(word))}`,
        ),
      ),
  ];
}

interface Manifest {
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
}

/** The entry points for users; `internal` is for sibling packages. */
function entryPoints(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  if (manifest.private) return [];
  return Object.entries(manifest.exports ?? {})
    .filter(([path, file]) => path !== './internal' && typeof file === 'string' && file.endsWith('.ts'))
    .map(([, file]) => resolve(folder, file));
}

const problems = new Set(
  readdirSync('packages')
    .map((name) => join('packages', name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .flatMap(entryPoints)
    .flatMap((file) => [...exportsOf(file)])
    .flatMap(({ name, file }) => problemsOf(file, name)),
);
for (const problem of problems) console.error(problem);
process.exitCode = problems.size === 0 ? 0 : 1;
