// Runs an example by its name: `npm run example -- firewall`. With --console, the console's page is opened on its database.
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withConsole } from './example-console.ts';

const mainOf = (name: string) => join('examples', name, 'src/main.ts');
const names = readdirSync('examples').filter((name) => existsSync(mainOf(name)));
const [name, ...rest] = process.argv.slice(2);
const ownArguments = rest.filter((argument) => argument !== '--console');

async function runExample(main: string): Promise<void> {
  process.argv.splice(1, process.argv.length, resolve(main), ...ownArguments);
  await import(pathToFileURL(resolve(main)).href);
}

if (name !== undefined && names.includes(name)) {
  const run = () => runExample(mainOf(name));
  await (rest.includes('--console') ? withConsole(run) : run());
} else {
  console.error(`${name === undefined ? 'Name an example' : `There is no example ${name}`}: ${names.join(', ')}`);
  process.exitCode = 2;
}
