import { fileURLToPath } from 'node:url';
import { type Footprint, footprintOf } from '../footprint.ts';
import { HEAVY_PEERS_FOLDER } from '../peers/heavy-peers.ts';
import type { Result, Results } from '../result.ts';
import type { Scenario } from '../scenario.ts';

const CORE = fileURLToPath(new URL('../../../core', import.meta.url));

const PEERS = [
  {
    name: 'prisma',
    peerName: 'Prisma 7 with its pg adapter',
    packages: ['prisma', '@prisma/client', '@prisma/adapter-pg'],
  },
  { name: 'typeorm', peerName: 'TypeORM with pg', packages: ['typeorm', 'pg'] },
] as const;

export const install: Scenario = {
  name: 'install',
  question: 'How many packages and megabytes does a user of core get?',
  needsHeavyPeers: true,
  async run(bench) {
    if (!bench.hasHeavyPeers) return {};
    const ours = await footprintOf(CORE, ['.']);
    const results: Results = {};
    for (const { name, peerName, packages } of PEERS) {
      const peer = await footprintOf(HEAVY_PEERS_FOLDER, packages);
      results[`install.packages.vs-${name}`] = compare(ours, peer, 'packages', peerName);
      results[`install.megabytes.vs-${name}`] = compare(ours, peer, 'megabytes', peerName);
    }
    return results;
  },
};

function compare(ours: Footprint, peer: Footprint, unit: keyof Footprint, peerName: string): Result {
  return {
    ours: ours[unit],
    peer: peer[unit],
    unit,
    ratio: peer[unit] / ours[unit],
    spread: 0,
    better: 'lower',
    peerName,
    note: 'Packages with all they depend on, without optional ones, counted where they are installed; core counts its sources.',
  };
}
