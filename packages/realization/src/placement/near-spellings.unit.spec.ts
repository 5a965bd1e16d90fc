import { expect, test } from 'vitest';
import { nearSpellings } from './near-spellings.ts';

test.each([
  ['eu-wset-1', ['eu-west-1', 'eu-west-2', 'us-east-1'], ['eu-west-1']],
  ['EU-WEST-3', ['eu-west-1', 'eu-west-2'], ['eu-west-1', 'eu-west-2']],
  ['E11', ['E1', 'E12', 'E9'], ['E1', 'E12']],
  ['edge7', ['cluster-a', 'cluster-b'], []],
  ['x', [], []],
])('near %s, of %j, are %j', (given, names, near) => {
  expect(nearSpellings(given, names)).toEqual(near);
});
