/** An argument for a command line that the user copies into a shell. Plain words stay as they are. */
export const shellQuoted = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", `'\\''`)}'`;
