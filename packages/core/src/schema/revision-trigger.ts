import { REVISION_CONFLICT_SQLSTATE } from '../error/sqlstate.ts';
import type { RegisteredTable } from '../table/registered-table.ts';
import type { LiveTable } from './live-schema.ts';

/**
 * The rule of revisions, in a trigger so that raw SQL cannot bypass it. An update must contain the current revision, and
 * the trigger adds 1. The trigger also keeps `created_at` and sets `updated_at`.
 *
 * Every name is qualified, so that search_path cannot change its meaning. Setting search_path for the function would cost
 * each update more than the rest of the function.
 */
export const REVISION_FUNCTION = `
create or replace function intendant.keep_revision() returns trigger
language plpgsql as $function$
begin
  if (new.revision operator(pg_catalog.=) old.revision) is not true then
    raise exception 'the record is at another revision' using errcode = '${REVISION_CONFLICT_SQLSTATE}';
  end if;
  new.revision := old.revision operator(pg_catalog.+) 1;
  new.created_at := old.created_at;
  new.updated_at := pg_catalog.clock_timestamp();
  return new;
end
$function$`;

const TRIGGER = 'intendant_revision';

export function planRevisionTrigger(table: RegisteredTable, live: LiveTable | undefined): string[] {
  const definition = live?.triggers[TRIGGER];
  const isThere =
    definition?.includes('BEFORE UPDATE ON') &&
    definition.endsWith('FOR EACH ROW EXECUTE FUNCTION intendant.keep_revision()');
  if (!table.definition.revisioned)
    return definition === undefined ? [] : [`drop trigger ${TRIGGER} on ${table.qualifiedName}`];
  if (isThere) return [];
  return [
    `create or replace trigger ${TRIGGER} before update on ${table.qualifiedName} for each row execute function intendant.keep_revision()`,
  ];
}
