import { whenTraced } from '@intendant/core/internal';
import { LAST_NUMBER } from './settled.ts';

/** The log and its objects, in order of creation. Run as one script if the log does not exist. */
export const LOG_SCHEMA = `
create sequence intendant.change_seq as bigint;
create table intendant.change_log (
  seq bigint not null default nextval('intendant.change_seq') primary key,
  table_name text not null,
  operation "char" not null,
  key text[] not null,
  org_id text,
  instance_id text,
  revision bigint,
  record jsonb,
  occurred_at timestamptz not null default statement_timestamp()
) partition by range (seq);
create table intendant.change_log_default partition of intendant.change_log default;
create table intendant.change_log_partition (name text primary key, from_seq bigint not null, to_seq bigint not null);
create table intendant.change_log_identity (
  id text not null default substr(md5(gen_random_uuid()::text), 1, 8),
  trimmed_seq bigint not null default 0,
  source text not null,
  replicated_lsn pg_lsn
);
create sequence intendant.member_seq as int cycle;
create sequence intendant.slot_epoch_seq as bigint;
create table intendant.durable_subscription (
  name text primary key,
  table_name text not null,
  scope text not null
);
create table intendant.cursor (
  name text references intendant.durable_subscription on delete cascade,
  slot int,
  seq bigint not null,
  owner int,
  owner_pid int,
  epoch bigint not null default 0,
  primary key (name, slot)
);
create table intendant.cursor_member (
  name text references intendant.durable_subscription on delete cascade,
  member int,
  pid int not null default 0,
  primary key (name, member)
);
create table intendant.acknowledged (
  name text references intendant.durable_subscription on delete cascade,
  seq bigint,
  slot int not null,
  acknowledged_at timestamptz not null default clock_timestamp(),
  primary key (name, seq)
);
create table intendant.dead_letter (
  name text references intendant.durable_subscription on delete cascade,
  seq bigint,
  slot int not null,
  table_name text not null,
  operation "char" not null,
  key text[] not null,
  org_id text,
  instance_id text,
  revision bigint,
  record jsonb,
  occurred_at timestamptz not null,
  attempts int not null,
  error text not null,
  failed_at timestamptz not null default clock_timestamp(),
  is_due boolean not null default false,
  primary key (name, seq)
);
`;

/** See leader-claim.ts. */
export const RELAY_LEADER = `
create table intendant.relay_leader (key bigint not null, pid int not null);
insert into intendant.relay_leader values (floor(random() * 9e15)::bigint, 0);
`;

/** The trace that a change was written in. For old rows the default is not computed: the column is added without it. */
export const ADD_TRACES = `
alter table intendant.change_log add traceparent text;
alter table intendant.change_log alter traceparent set default ${whenTraced((traceparent) => traceparent, 'null')};
`;

/** For a log from a version that did not store a member's server process. */
export const ADD_MEMBER_PIDS = `
alter table intendant.cursor_member add pid int not null default 0;
alter table intendant.cursor add owner_pid int;
`;

/** For a log from a version without a sequence of epochs. */
export const ADD_EPOCHS = `
create sequence intendant.slot_epoch_seq as bigint;
select setval('intendant.slot_epoch_seq', (select coalesce(max(epoch), 0) + 1 from intendant.cursor));
`;

/**
 * Creates partitions before the sequence reaches them, and drops those whose newest row is older than the retention.
 * Attaching a partition does not block writers. Dropping one would, so it gives up after a moment and is tried again
 * later. The default partition receives what is written while no process maintains the log; its rows are deleted one by
 * one.
 */
export const KEEP_BODY = `
declare
  last bigint;
  upper_seq bigint;
  part record;
  newest timestamptz;
  trimmed bigint;
begin
  lock table intendant.change_log_partition in share row exclusive mode;
  last := ${LAST_NUMBER};
  select coalesce(max(to_seq), 1) into upper_seq from intendant.change_log_partition;
  if upper_seq <= last then upper_seq := last + partition_size / 10 + 100; end if;
  while upper_seq < last + 2 * partition_size loop
    execute format('create table intendant.%I (like intendant.change_log including defaults including indexes)', 'change_log_' || upper_seq);
    execute format('alter table intendant.change_log attach partition intendant.%I for values from (%s) to (%s)',
      'change_log_' || upper_seq, upper_seq, upper_seq + partition_size);
    execute format('alter table intendant.%I enable row level security, force row level security', 'change_log_' || upper_seq);
    execute format('create policy intendant_owner on intendant.%I for all to %I using (true) with check (true)',
      'change_log_' || upper_seq, current_user);
    insert into intendant.change_log_partition values ('change_log_' || upper_seq, upper_seq, upper_seq + partition_size);
    upper_seq := upper_seq + partition_size;
  end loop;
  begin
    for part in select * from intendant.change_log_partition where to_seq <= last order by from_seq loop
      execute format('select max(occurred_at) from intendant.%I', part.name) into newest;
      exit when newest > clock_timestamp() - retention;
      execute format('drop table intendant.%I', part.name);
      delete from intendant.change_log_partition where name = part.name;
      update intendant.change_log_identity set trimmed_seq = greatest(trimmed_seq, part.to_seq - 1);
    end loop;
  exception when lock_not_available then null;
  end;
  with deleted as (
    delete from intendant.change_log_default where occurred_at < clock_timestamp() - retention returning seq
  )
  select max(seq) into trimmed from deleted;
  update intendant.change_log_identity set trimmed_seq = trimmed where trimmed_seq < trimmed;
exception when lock_not_available then null;
end
`;

export const KEEP_FUNCTION = `
create or replace function intendant.keep_change_log(retention interval, partition_size bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $function$${KEEP_BODY}$function$;
revoke all on function intendant.keep_change_log(interval, bigint) from public;
`;
