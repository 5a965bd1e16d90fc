import { expect, test } from 'vitest';
import { linksTo } from './trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test('a stored context is a link, once for all that name it', () => {
  const stored = `00-${TRACE}-${SPAN}-01`;
  expect(linksTo([stored, stored])).toMatchObject([{ context: { traceId: TRACE, spanId: SPAN, isRemote: true } }]);
});

test('any other stored value is not read as a link', () => {
  const zeros = (count: number) => '0'.repeat(count);
  const others = [undefined, null, '', 7, {}, [`00-${TRACE}-${SPAN}-01`], 'x'.repeat(55), `ff-${TRACE}-${SPAN}-01`];
  const nearly = [
    `00-${zeros(32)}-${SPAN}-01`,
    `00-${TRACE}-${zeros(16)}-01`,
    `00-${TRACE}-${SPAN}-01\n`,
    `00-${TRACE}-${SPAN}`,
  ];
  expect(linksTo([...others, ...nearly])).toEqual([]);
});
