import { InvalidRecordError } from '@intendant/core';
import type { StatusTables } from '../resource/status-tables.ts';

/** The value of a label. */
export type LabelValue = string | number | boolean;

/** Labels of an enforcement point, e.g. `{ region: 'eu', tier: 1 }`. */
export type Labels = Readonly<Record<string, LabelValue>>;

/**
 * Selects points: those that have every label named here, with this value or one of the listed values. `{}` selects
 * every point.
 */
export type Selector = Readonly<Record<string, LabelValue | readonly LabelValue[]>>;

const MAX_LABELS = 64;
const MAX_LENGTH = 500;

/** Throws InvalidRecordError for a value that is not an object of labels. */
export const checkLabels = (labels: unknown): Labels =>
  checkEntries('labels', labels, (value) => isLabelValue(value)) as Labels;

/** Throws InvalidRecordError for a value that is not a selector. */
export const checkSelector = (selector: unknown): Selector =>
  checkEntries('a selector', selector, (value) =>
    Array.isArray(value) ? value.every(isLabelValue) : isLabelValue(value),
  ) as Selector;

function checkEntries(noun: string, given: unknown, isFit: (value: unknown) => boolean): object {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new InvalidRecordError(`${noun} must be an object of names and values`);
  const entries = Object.entries(given);
  if (entries.length > MAX_LABELS) throw new InvalidRecordError(`${noun} may name at most ${MAX_LABELS} labels`);
  const wrong = entries.find(([name, value]) => !isText(name) || !isFit(value));
  if (wrong !== undefined) {
    throw new InvalidRecordError(
      `${noun}: label ${JSON.stringify(wrong[0]).slice(0, MAX_LENGTH)} must be a string of up to ${MAX_LENGTH} characters, a number or a boolean`,
    );
  }
  return given;
}

const isLabelValue = (value: unknown): boolean =>
  typeof value === 'string' ? isText(value) : typeof value === 'boolean' || Number.isFinite(value);

const isText = (text: string): boolean => text.length <= MAX_LENGTH && text.isWellFormed() && !text.includes('\0');

/**
 * The name of a table in a point's list of tables. It includes the schema, because two stores of one database may use
 * two schemas.
 */
export const pointTableName = ({ resource }: Pick<StatusTables, 'resource'>): string =>
  `${resource.schemaName}.${resource.name}`;
