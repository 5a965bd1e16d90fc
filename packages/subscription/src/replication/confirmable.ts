/**
 * The value to pass to the library's `acknowledge` so that the server receives `lsn`; the library adds one. If a
 * position one too high were confirmed, a commit that begins exactly where the last one ended would count as received,
 * and would not be sent again after a restart.
 */
export function confirmable(lsn: string): string {
  const [upper, lower] = lsn.split('/').map((half) => BigInt(`0x${half}`)) as [bigint, bigint];
  const before = (upper << 32n) + lower - 1n;
  return `${(before >> 32n).toString(16)}/${(before & 0xffffffffn).toString(16)}`.toUpperCase();
}
