/** A position of the feed, e.g. `0123abcd-0000000000000042`. */
export const POSITION_PATTERN = /^[0-9a-f]{8}-\d{16}$/;
