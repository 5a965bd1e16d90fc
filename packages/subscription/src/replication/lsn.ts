/** A position in the write-ahead log, as Postgres prints it, as a number. */
export function readLsn(lsn: string): bigint {
  const [upper, lower] = lsn.split('/').map((half) => BigInt(`0x${half}`)) as [bigint, bigint];
  return (upper << 32n) + lower;
}

export const formatLsn = (lsn: bigint): string =>
  `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase();
