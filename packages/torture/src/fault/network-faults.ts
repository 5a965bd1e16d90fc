import { pause, type World } from '../world/world.ts';
import type { Fault } from './fault.ts';

const cut: Fault = {
  name: 'network cut',
  inject: async ({ proxy }) => proxy.cut(),
};

/** No data passes and no connection closes; then all data that was held back arrives. */
const hang: Fault = {
  name: 'network hangs',
  inject: async (world) => {
    world.proxy.pause();
    try {
      await pause(world, world.random.between(500, 4_000));
    } finally {
      world.proxy.resume();
    }
  },
};

/** As when a router loses its state: both ends believe that the connection exists, until it breaks. */
const halfOpen: Fault = {
  name: 'connections half open',
  inject: async (world) => {
    world.proxy.pause();
    try {
      await pause(world, world.random.between(2_500, 5_000));
    } finally {
      world.proxy.cut();
      world.proxy.resume();
    }
  },
};

const shaped = (name: string, shape: (world: World) => Partial<World['proxy']>): Fault => ({
  name,
  inject: async (world) => {
    const { proxy } = world;
    Object.assign(proxy, shape(world));
    try {
      await pause(world, world.random.between(1_000, 3_000));
    } finally {
      Object.assign(proxy, { latencyMs: 0, chunkBytes: Number.POSITIVE_INFINITY });
    }
  },
});

export const NETWORK_FAULTS: readonly Fault[] = [
  cut,
  hang,
  halfOpen,
  shaped('network delay', ({ random }) => ({ latencyMs: Math.ceil(random.between(20, 150)) })),
  shaped('network, byte by byte', () => ({ chunkBytes: 1 })),
];
