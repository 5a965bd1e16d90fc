import { readFileSync } from 'node:fs';
import type { ClientBase } from 'pg';
import { quoteLiteral } from '../statement/identifier.ts';

/**
 * The newest version of Intendant that has changed each part's objects in this database, stored as the comment of the
 * framework's schema, e.g. `subscription@0.2.0 realization@0.2.1`. During an upgrade, processes of the previous version
 * may start again beside newer ones. They leave the objects of a newer version as they are; otherwise both would
 * replace each other's functions and indexes again and again.
 */
const READ = `select obj_description(to_regnamespace('intendant'), 'pg_namespace') as comment`;
const CAN_RECORD = `select pg_has_role(nspowner, 'member') as may from pg_namespace where nspname = 'intendant'`;

const OWN_VERSION = readOwnVersion();

/** Undefined if the code was bundled without its package.json. */
function readOwnVersion(): string | undefined {
  try {
    return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
      .version;
  } catch {
    return undefined;
  }
}

interface SchemaComment {
  readonly versions: Map<string, string>;
  /** The words of the comment that are not versions of parts: they stay as they are. */
  readonly otherText: readonly string[];
}

const ENTRY = /^([\w-]+)@(\d+\.\d+\.\d+\S*)$/;

async function readComment(client: ClientBase): Promise<SchemaComment> {
  const { rows } = await client.query<{ comment: string | null }>(READ);
  const words = rows[0]?.comment?.split(' ') ?? [];
  const entries = words.flatMap((word) => {
    const [, name, version] = ENTRY.exec(word) ?? [];
    return name !== undefined && version !== undefined ? [[name, version] as const] : [];
  });
  return { versions: new Map(entries), otherText: words.filter((word) => !ENTRY.test(word)) };
}

/** The parts that a newer version than this one has changed last, with that version. */
export async function newerParts(client: ClientBase): Promise<ReadonlyMap<string, string>> {
  if (OWN_VERSION === undefined) return new Map();
  return new Map([...(await readComment(client)).versions].filter(([, version]) => isNewer(version, OWN_VERSION)));
}

/** Stores that this version has changed these parts. Does nothing if the current role may not comment on the schema. */
export async function notePartVersions(client: ClientBase, changed: ReadonlySet<string>): Promise<void> {
  if (changed.size === 0 || OWN_VERSION === undefined) return;
  const { rows } = await client.query<{ may: boolean }>(CAN_RECORD);
  if (!rows[0]?.may) return;
  const { versions, otherText } = await readComment(client);
  for (const name of changed) if (!isNewer(versions.get(name) ?? '', OWN_VERSION)) versions.set(name, OWN_VERSION);
  const comment = [...otherText, ...[...versions].map((entry) => entry.join('@'))].join(' ');
  await client.query(`comment on schema intendant is ${quoteLiteral(comment)}`);
}

const numbersOf = (version: string): number[] => version.split(/[.+-]/, 3).map(Number);

/** Compares the three numbers: a pre-release counts as its release. False for a text that is not a version. */
function isNewer(version: string, own: string): boolean {
  const [left, right] = [numbersOf(version), numbersOf(own)];
  const place = left.findIndex((number, index) => number !== right[index]);
  return place >= 0 && (left[place] as number) > (right[place] as number);
}
