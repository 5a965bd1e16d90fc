import { expect, test } from 'vitest';
import { heaviestStatus, STATUS_WEIGHTS, STATUSES, statusName, statusOfWeight } from './status.ts';

test('statuses keep the integers they are stored as', () => {
  expect(STATUS_WEIGHTS).toEqual({
    UNKNOWN: 0,
    DELETION_REALIZED: 100,
    REALIZED: 200,
    DELETION_IN_PROGRESS: 300,
    DELETION_PENDING: 400,
    IN_PROGRESS: 600,
    PENDING: 800,
    ERROR: 1000,
  });
});

test('every status is read back from its integer', () => {
  expect(STATUSES.map((status) => statusOfWeight(STATUS_WEIGHTS[status]))).toEqual(STATUSES);
});

test('an integer that no status has still has a text', () => {
  expect(statusName(5000)).toBe('Status(5000)');
  expect(statusName(STATUS_WEIGHTS.DELETION_PENDING)).toBe('DELETION_PENDING');
  expect(statusOfWeight(5000)).toBe('UNKNOWN');
});

test('the overall status is the heaviest', () => {
  expect(heaviestStatus(['REALIZED', 'ERROR', 'PENDING'])).toBe('ERROR');
  expect(heaviestStatus(['DELETION_REALIZED', 'REALIZED'])).toBe('REALIZED');
  expect(heaviestStatus([])).toBe('UNKNOWN');
});
