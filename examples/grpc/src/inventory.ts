import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import type { ProtoStore, StoredMessage } from '@intendant/protostore';
import { callerOf } from './caller.ts';
import { CpuSchema, type Inventory, StoredCpuSchema } from './gen/inventory/v1/inventory_pb.js';

/** The service: each call is one operation of protostore, with the caller's rights. */
export function inventory(protoStore: ProtoStore): ServiceImpl<typeof Inventory> {
  const sessionOf = (context: HandlerContext) => protoStore.as(callerOf(context));
  return {
    async putCpu({ id, cpu, revision }, context) {
      if (id === '' || cpu === undefined) throw new ConnectError('id and cpu are required', Code.InvalidArgument);
      const expected = revision === undefined ? {} : { revision: Number(revision) };
      const { metadata } = await sessionOf(context).upsert(id, cpu, expected);
      return create(StoredCpuSchema, stored({ message: cpu, metadata }));
    },

    async getCpu({ id }, context) {
      return create(
        StoredCpuSchema,
        stored(await sessionOf(context).findById(CpuSchema, id, { signal: context.signal })),
      );
    },

    async *listCpus({ brand }, context) {
      const where = brand === undefined ? {} : { where: { brand } };
      for await (const found of sessionOf(context).stream(CpuSchema, { ...where, signal: context.signal }))
        yield stored(found);
    },

    async deleteCpu({ id }, context) {
      await sessionOf(context).deleteById(CpuSchema, id);
      return {};
    },
  };
}

const stored = ({ message, metadata }: StoredMessage<typeof CpuSchema>): MessageInitShape<typeof StoredCpuSchema> => ({
  id: metadata.id,
  revision: BigInt(metadata.revision),
  cpu: message,
});
