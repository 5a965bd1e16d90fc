import { styleText } from 'node:util';

const NAME_WIDTH = 14;

/** Prints a line of progress: time, process, text. Without a terminal, or with NO_COLOR, it prints plain text. */
export function say(who: string, what: string): void {
  const seconds = (performance.now() / 1000).toFixed(1).padStart(5);
  console.log(`${styleText('dim', `${seconds} s`)}  ${styleText('cyan', who.padEnd(NAME_WIDTH))}  ${what}`);
}

export function title(text: string): void {
  console.log(`\n${styleText('bold', text)}\n`);
}
