import { quoteLiteral } from '@intendant/core/internal';
import { identityText } from '../resource/key-text.ts';
import type { StatusTables } from '../resource/status-tables.ts';
import { keyPart } from './job-functions.ts';
import { encodeKeyPart } from './job-key.ts';

/** All functions here return SQL expressions. `identity` contains an SQL expression for each identity column, in their order. */

/** The identity of a resource as stored in its jobs. */
export const identityJson = (tables: StatusTables, identity: readonly string[]): string =>
  `jsonb_build_array(${identityTexts(tables, identity).join(', ')})`;

/** The key of a resource's jobs. */
export const identityKeyText = (tables: StatusTables, identity: readonly string[]): string =>
  identityTexts(tables, identity).map(keyPart).join(" || '/' || ");

const identityTexts = ({ overall }: StatusTables, identity: readonly string[]): string[] =>
  overall.identity.map((column, index) => identityText(column, identity[index] ?? 'null'));

/** The name of the queue at this point. */
export const queueText = ({ resource }: StatusTables, point: string): string =>
  `${quoteLiteral(`${encodeKeyPart(resource.schemaName)}/${encodeKeyPart(resource.name)}/`)} || ${keyPart(point)}`;

/** The org that the resource belongs to. */
export const ownerText = ({ resource, overall }: StatusTables, identity: readonly string[]): string =>
  resource.isTenanted ? (identity[overall.identity.findIndex(({ name }) => name === 'org_id')] ?? 'null') : 'null';
