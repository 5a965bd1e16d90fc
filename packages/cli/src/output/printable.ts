const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

// Control and format characters, which include those that turn the direction of text, and line separators.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Joins emoji, and letters in some scripts: a format character that a terminal does not act on. */
const JOINERS = '\u200c\u200d';

function escaped(character: string): string {
  if (JOINERS.includes(character)) return character;
  return SHORT_ESCAPES[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`;
}

/** The text on one line, without terminal control characters. Stored ids and messages may contain any character. */
export const printable = (text: string): string => text.replace(UNSAFE, escaped);
