/** Control characters, and format characters, which include those that turn the direction of text. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Joins emoji, and letters in some scripts. */
const JOINERS = '\u200c\u200d';

/** The text on one line, with its invisible characters as codes: a key may not look like another key. */
export const visibleText = (text: string): string =>
  text.replace(INVISIBLE, (character) =>
    JOINERS.includes(character) ? character : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
