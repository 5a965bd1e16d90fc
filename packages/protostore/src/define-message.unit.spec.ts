import { ConfigurationError } from '@intendant/core';
import { describe, expect, test } from 'vitest';
import { defineMessage } from './index.ts';
import { EveryKindSchema } from './testing/gen/hardware/v1/every_kind_pb.js';
import { CpuSchema, MemorySchema } from './testing/gen/hardware/v1/hardware_pb.js';

describe('the table of a message type', () => {
  test('has the full name of the type in snake case, unless another name is given', () => {
    expect(defineMessage(EveryKindSchema).table.name).toBe('hardware_v1_every_kind');
    expect(defineMessage(CpuSchema, { table: 'processor' }).table.name).toBe('processor');
  });

  test('has a column for each indexed field, once, and the parent in an index only when asked', () => {
    const { table } = defineMessage(CpuSchema, { indexes: [['brand', 'maxGhz'], ['brand']], indexesParent: true });
    expect(table.columns.map(({ name }) => name)).toEqual([
      'id',
      'parent_id',
      'payload',
      'field_brand',
      'field_max_ghz',
    ]);
    expect(table.indexes).toEqual([['parent_id'], ['field_brand', 'field_max_ghz'], ['field_brand']]);
    expect(defineMessage(MemorySchema).table.indexes).toEqual([]);
  });
});

describe('a field that cannot be indexed', () => {
  test.each([
    ['it is not there', 'colour', /no such field/],
    ['a message', 'nested', /a message field/],
    ['repeated', 'packedNumbers', /a list field/],
    ['a map', 'labels', /a map field/],
    ['the oneof itself', 'choice', /no such field/],
    ['a member of a oneof', 'chosenString', /oneof/],
  ])('%s', (_why, field, message) => {
    const define = () => defineMessage(EveryKindSchema, { indexes: [[field as 'health']] });
    expect(define).toThrow(ConfigurationError);
    expect(define).toThrow(message);
  });
});
