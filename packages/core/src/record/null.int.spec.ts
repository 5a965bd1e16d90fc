import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigurationError, defineTable } from '../index.ts';
import { cokeAdmin, openTestStore, TENANT_ROLES } from '../testing/fixtures.ts';

const fixture = await openTestStore();
const { store } = fixture;
const coke = store.as(cokeAdmin);
afterAll(() => fixture[Symbol.asyncDispose]());

const tree: z.ZodType<unknown> = z.lazy(() => z.union([z.null(), z.object({ left: tree, right: tree })]));

/** Each takes null, one way or another, and a value besides. */
const SHAPES = {
  nullable: [z.string().nullable(), 'x'],
  nullish: [z.int32().nullish(), 1],
  union: [z.union([z.string(), z.null()]), 'x'],
  or: [z.object({ a: z.int() }).or(z.null()), { a: 1 }],
  nestedUnion: [z.union([z.string(), z.union([z.int(), z.boolean().nullable()])]), true],
  discriminated: [
    z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })]).nullable(),
    { kind: 'b' },
  ],
  json: [z.json(), { a: [null, { b: null }] }],
  unknown: [z.unknown(), ['x', null]],
  any: [z.any(), 'null'],
  literal: [z.literal(['a', null]), 'a'],
  onlyNull: [z.literal(null), null],
  lazy: [z.lazy(() => z.object({ a: z.int() }).nullable()), { a: 1 }],
  recursive: [tree, { left: null, right: { left: null, right: null } }],
  intersection: [
    z.intersection(z.object({ a: z.int() }).nullable(), z.object({ b: z.int() }).nullable()),
    { a: 1, b: 2 },
  ],
  defaulted: [z.string().nullable().default('d'), 'x'],
  nullByDefault: [z.string().nullable().default(null), 'x'],
  prefaulted: [z.string().nullable().prefault('d'), 'x'],
  caught: [z.int32().nullable().catch(3), 4],
  readonly: [z.array(z.string()).nullable().readonly(), ['x']],
  nonOptional: [z.nonoptional(z.string().nullish()), 'x'],
  bytes: [z.instanceof(Uint8Array).nullable(), new Uint8Array([0, 255])],
} as const;

const table = defineTable('nulls', {
  schema: z.object({
    id: z.string(),
    ...Object.fromEntries(Object.entries(SHAPES).map(([name, [schema]]) => [name, schema])),
  }),
});
await store.register([table], { roles: TENANT_ROLES });

const nulls = Object.fromEntries(Object.keys(SHAPES).map((name) => [name, null]));
const values = Object.fromEntries(Object.entries(SHAPES).map(([name, [, value]]) => [name, value]));

test('every schema that accepts null returns it as null, and values unchanged', async () => {
  expect(await coke.insert(table, { id: 'null', ...nulls })).toMatchObject(nulls);
  expect(await coke.insert(table, { id: 'value', ...values })).toMatchObject(values);
  await coke.insertMany(table, [
    { id: 'null too', ...nulls },
    { id: 'value too', ...values },
  ]);
  expect(await coke.find(table, 'null too')).toMatchObject(nulls);
  const stored = await coke.find(table, 'value too');
  expect(stored).toMatchObject(values);
  expect(await coke.update(table, { ...stored, ...nulls })).toMatchObject(nulls);
});

test('null values are found by null, in every column', async () => {
  for (const name of Object.keys(SHAPES)) {
    const found = await coke.findMany(table, { where: { [name]: null, id: { in: ['null', 'value'] } } as never });
    expect(
      found.map(({ id }) => id),
      name,
    ).toEqual(name === 'onlyNull' ? ['null', 'value'] : ['null']);
  }
});

test.each([
  ['null alone', z.null()],
  ['a preprocess', z.preprocess((value) => value, z.string().nullable())],
  [
    'a transform',
    z
      .string()
      .nullable()
      .transform((value) => value ?? 'none'),
  ],
  ['a pipe', z.string().nullable().pipe(z.string().nullable())],
])('%s is refused when the table is defined', (_what, schema) => {
  expect(() => defineTable('refused', { schema: z.object({ id: z.string(), v: schema }) })).toThrow(ConfigurationError);
});

test.each([z.string().or(z.null()), z.literal(['a', null]), z.lazy(() => z.string().nullable())])(
  'a key cannot contain fields that may be null',
  (schema) => {
    expect(() => defineTable('keyed', { schema: z.object({ id: schema }) })).toThrow(
      'must not be optional or nullable',
    );
  },
);
