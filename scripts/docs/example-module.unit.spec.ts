import { expect, test } from 'vitest';
import { docstringModule, pageModule } from './example-module.ts';

test("a page's blocks become scopes inside each other, on their own lines", () => {
  const page = [
    '# Page',
    '```ts',
    "import { a } from 'a';",
    'const x = a;',
    '```',
    'Text',
    '```ts',
    "import { a } from 'a';",
    'x;',
    '```',
  ];
  expect(pageModule(page.join('\n'))).toBe("import { a } from 'a'; export {}; \n{\n\nconst x = a;\n\n\n{\n\nx;\n}}\n");
});

test('a page without examples has no module, whatever other blocks it holds', () => {
  expect(pageModule('```sh\nls\n```\n```ts ignore\nx\n```\n')).toBeUndefined();
});

test('docstrings stand each for itself, at the lines they have in their file', () => {
  const source = ['const a = 1;', '/**', ' * Adds.', ' *', ' * ```ts', ' * add(1);', ' * ```', ' */', 'const b = 2;'];
  expect(docstringModule(source.join('\n'))).toBe(
    ' export {}; \n\n\n\n{\nadd(1);\n}\n\n\n'.replace(' export', ' export'),
  );
});

test('imports of several names and of own files are taken apart', () => {
  const page =
    "```ts\nimport {\n  a,\n  type B,\n} from 'x';\nimport z from 'z';\nimport { vm } from './tables.ts';\n```";
  expect(pageModule(page)).toMatch(
    /^import \{ a \} from 'x'; import \{ type B \} from 'x'; import z from 'z'; export \{\};/,
  );
});
