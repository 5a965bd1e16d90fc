import { create } from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import type { Random } from '../random.ts';
import { SECRET_MARK } from '../world/tables.ts';
import { type Caller, instanceMark } from './caller.ts';
import type { Building, Door } from './door.ts';
import { anyKey } from './hostile-strings.ts';

const session = ({ protoStore }: Building, { context }: Caller) => protoStore.as(context);

const message = (caller: Caller, random: Random) =>
  create(StringValueSchema, { value: `${instanceMark(caller)} ${SECRET_MARK} ${random.below(1e6)}` });

export const PROTO_DOORS: readonly Door[] = [
  {
    name: 'proto upsert',
    writes: true,
    open: (building, caller, random) => session(building, caller).upsert(anyKey(random), message(caller, random)),
  },
  {
    name: 'proto insert',
    writes: true,
    open: (building, caller, random) => session(building, caller).insert(anyKey(random), message(caller, random)),
  },
  {
    name: 'proto findById',
    open: (building, caller, random) => session(building, caller).findById(StringValueSchema, anyKey(random)),
  },
  { name: 'proto findAll', open: (building, caller) => session(building, caller).findAll(StringValueSchema) },
  {
    name: 'proto getMetadata',
    open: (building, caller, random) => session(building, caller).getMetadata(StringValueSchema, anyKey(random)),
  },
];
