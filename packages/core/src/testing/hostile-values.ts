import fc from 'fast-check';

const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;
let deep: unknown = null;
for (let level = 0; level < 20_000; level++) deep = [deep];

const STRINGS = [
  `Robert'); drop table anything; --`,
  `"; select 1; --`,
  `\\'; \\x00 $1 $$ %s {} {a,"b"} NULL`,
  'nul\0byte',
  'x'.repeat(1_000_000),
  Array.from({ length: 50_000 }, (_, index) => String.fromCodePoint(0x4e00 + (index % 20_000))).join(''),
  '👩‍👩‍👧‍👦 🇪🇺 é e\u0301 \u202e \ufeff \u2028',
  '\ud800',
  'a\udfffb',
  '__proto__',
  'constructor',
  '',
  ' ',
  '\n\t\r\b',
];
const OTHERS = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -0,
  2 ** 31,
  2 ** 53,
  2 ** 63,
  Number.MAX_VALUE,
  5e-324,
  0.1,
  2n ** 63n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  -(2n ** 63n) - 1n,
  10n ** 1000n,
  new Date(Number.NaN),
  new Date(8.64e15),
  new Date(-8.64e15),
  new Date('0001-01-01'),
  new Date(-62_167_219_200_000 - 1),
  [],
  {},
  [['a']],
  { toString: () => 'x' },
  { toJSON: () => 'x' },
  { $ne: null },
  { eq: 'x' },
  JSON.parse('{"__proto__": {"polluted": true}}'),
  Object.create(null),
  new Map([[1, 2]]),
  new Set([1]),
  new Uint8Array([0, 255, 39]),
  Buffer.from('a\0b'),
  new Uint16Array(2),
  () => 'x',
  Symbol('x'),
  undefined,
  null,
  true,
  cyclic,
  deep,
  { a: [1, { b: undefined }] },
  [undefined],
  new Array(3),
  /x/,
  new Error('x'),
] as unknown[];
/** Values that a careless data store stores wrongly, executes as SQL or fails at. */
const HOSTILE: unknown[] = [...STRINGS, ...OTHERS];

/** The values above, and random ones of every kind. */
export const hostileValue = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 500 }) },
  { weight: 1, arbitrary: fc.date({ noInvalidDate: false }) },
  { weight: 1, arbitrary: fc.bigInt() },
  { weight: 1, arbitrary: fc.double() },
  { weight: 2, arbitrary: fc.json().map((text) => JSON.parse(text) as unknown) },
  {
    weight: 2,
    arbitrary: fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
    }),
  },
);
