import type { Bench } from '../bench.ts';
import type { Results } from '../result.ts';

export interface Size {
  readonly label: string;
  readonly tenants: number;
  readonly rowsATenant: number;
}

/** The same reads and writes of ours on tables of each size, compared with the smallest. */
export async function scale(bench: Bench, name: string, sizes: readonly [Size, ...Size[]]): Promise<Results> {
  const tableOf = ({ label }: Size) => `${name.replaceAll('-', '_')}_${label}`;
  for (const size of sizes) await bench.database.addTable(tableOf(size), size.tenants, size.rowsATenant);
  // One process has all tables open, so only the table differs between two turns.
  const { contestant } = await bench.start('intendant');
  try {
    const measure = (operation: string, size: Size) => async () =>
      (await contestant.run(bench.workload(operation, { ...size, table: tableOf(size) }))).value;
    const [smallest, ...larger] = sizes;
    const results: Results = {};
    for (const operation of ['read', 'write'])
      for (const size of larger) {
        const found = await bench.compare({
          name: `${name}.${operation}`,
          unit: `${operation}s/s`,
          better: 'higher',
          ours: measure(operation, size),
          peers: [{ name: size.label, peerName: `ours at ${smallest.label}`, measure: measure(operation, smallest) }],
        });
        Object.assign(results, found);
      }
    return results;
  } finally {
    await contestant.close();
  }
}
