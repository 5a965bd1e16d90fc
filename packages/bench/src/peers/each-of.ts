/** Runs this many operations with this many simultaneous callers. */
export async function eachOf(size: number, callers: number, work: () => Promise<unknown>): Promise<void> {
  let begun = 0;
  const call = async () => {
    while (begun++ < size) await work();
  };
  await Promise.all(Array.from({ length: callers }, call));
}
