/** An IPv4 range in CIDR notation as its first address and the number of addresses in it. */
function rangeOf(cidr: string): { first: number; size: number } {
  const [address = '', bits = '32'] = cidr.split('/');
  const value = address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  return { first: Math.floor(value / size) * size, size };
}

/** Whether some address is in both ranges. */
export function overlaps(left: string, right: string): boolean {
  const a = rangeOf(left);
  const b = rangeOf(right);
  return a.first < b.first + b.size && b.first < a.first + a.size;
}

/** The range as nftables prints it: the first address, without the length if it is a single address. */
export function canonicalRange(cidr: string): string {
  const { first, size } = rangeOf(cidr);
  const address = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.');
  return size === 1 ? address : `${address}/${32 - Math.log2(size)}`;
}
