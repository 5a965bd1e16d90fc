import { Help } from 'commander';

const help = new Help();
help.minWidthToWrap = 20;

/**
 * The text in lines of at most `width` characters, cut between words. Lines after the first start with `indent`. Without a
 * width, and in a very narrow terminal, the text stays as it is.
 */
export const wrapped = (text: string, width: number | undefined, indent = ''): string =>
  width === undefined ? text : help.boxWrap(text, width - indent.length).replaceAll('\n', `\n${indent}`);
