import { create } from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import type { Random } from '../random.ts';
import { SECRET_MARK } from '../world/tables.ts';
import { type Caller, instanceMark } from './caller.ts';
import type { EntryPoint, SystemUnderTest } from './entry-point.ts';
import { anyKey } from './hostile-strings.ts';

const session = ({ protoStore }: SystemUnderTest, { context }: Caller) => protoStore.as(context);

const message = (caller: Caller, random: Random) =>
  create(StringValueSchema, { value: `${instanceMark(caller)} ${SECRET_MARK} ${random.below(1e6)}` });

export const PROTO_ENTRY_POINTS: readonly EntryPoint[] = [
  {
    name: 'proto upsert',
    writes: true,
    call: (system, caller, random) => session(system, caller).upsert(anyKey(random), message(caller, random)),
  },
  {
    name: 'proto insert',
    writes: true,
    call: (system, caller, random) => session(system, caller).insert(anyKey(random), message(caller, random)),
  },
  {
    name: 'proto findById',
    call: (system, caller, random) => session(system, caller).findById(StringValueSchema, anyKey(random)),
  },
  { name: 'proto findAll', call: (system, caller) => session(system, caller).findAll(StringValueSchema) },
  {
    name: 'proto getMetadata',
    call: (system, caller, random) => session(system, caller).getMetadata(StringValueSchema, anyKey(random)),
  },
];
