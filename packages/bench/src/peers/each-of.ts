/** So many pieces of work, by so many callers at once. */
export async function eachOf(size: number, callers: number, work: () => Promise<unknown>): Promise<void> {
  let begun = 0;
  const call = async () => {
    while (begun++ < size) await work();
  };
  await Promise.all(Array.from({ length: callers }, call));
}
