import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { announced, quietly } from './quietly.mjs';
import { ROOT } from './repository.mjs';

/** The first that runs TypeScript without a flag. */
const OLDEST_NODE = [22, 18];
const PNPM_MAJOR = 12;
/** Where npx put the tools, so that it needn't be asked each time. */
const MEMORY = join(ROOT, 'node_modules', '.intendant-toolchain.json');

/** A Node that is new enough: the one at hand, or Node 24 from npm. */
export async function findNode(oldest = OLDEST_NODE) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const isNewEnough = major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
  return isNewEnough ? process.execPath : (await getTools()).node;
}

/** A pnpm of our version: the one at hand, or one from npm. */
export async function findPnpm() {
  return pnpmOnPath() ?? (await getTools()).pnpm;
}

/** Installing dependencies may clear the folder where it is kept. */
export function rememberTools(tools) {
  mkdirSync(dirname(MEMORY), { recursive: true });
  writeFileSync(MEMORY, JSON.stringify(tools));
}

let gotten;

/** From npm through npx, which keeps them in npm's cache. */
async function getTools() {
  gotten ??= recalledTools() ?? (await fetchTools());
  return gotten;
}

export function recalledTools() {
  if (!existsSync(MEMORY)) return undefined;
  const tools = JSON.parse(readFileSync(MEMORY, 'utf8'));
  return existsSync(tools.node) && existsSync(tools.pnpm) ? tools : undefined;
}

async function fetchTools() {
  const doing = `Getting Node 24 and pnpm ${PNPM_MAJOR} from npm (once)`;
  const npx = [
    '-y',
    '--loglevel=error',
    '-p',
    'node@24',
    '-p',
    `pnpm@${PNPM_MAJOR}`,
    '--',
    'node',
    '-p',
    'process.execPath + "\\n" + process.env.PATH',
  ];
  const output = await announced(doing, () => quietly(doing, 'npx', npx));
  const [node, path] = output.trim().split('\n').slice(-2);
  const tools = { node, pnpm: onPath('pnpm', path) };
  rememberTools(tools);
  return tools;
}

function pnpmOnPath() {
  const pnpm = onPath('pnpm', process.env.PATH);
  if (pnpm === undefined) return undefined;
  try {
    const version = execFileSync(pnpm, ['--version'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return Number.parseInt(version, 10) === PNPM_MAJOR ? pnpm : undefined;
  } catch {
    return undefined; // broken, or for another Node: npm has one that works
  }
}

function onPath(program, path) {
  return path
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file));
}
