// Runs an example by its name: `npm run example -- firewall`.
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const mainOf = (name: string) => join('examples', name, 'src/main.ts');
const names = readdirSync('examples').filter((name) => existsSync(mainOf(name)));
const [name, ...rest] = process.argv.slice(2);

if (name !== undefined && names.includes(name)) {
  process.argv.splice(1, process.argv.length, resolve(mainOf(name)), ...rest);
  await import(pathToFileURL(resolve(mainOf(name))).href);
} else {
  console.error(`${name === undefined ? 'Name an example' : `There is no example ${name}`}: ${names.join(', ')}`);
  process.exitCode = 2;
}
