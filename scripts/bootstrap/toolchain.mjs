import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { announced, quietly } from './quietly.mjs';
import { ROOT } from './repository.mjs';

/** The first version of Node that runs TypeScript without a flag. */
const OLDEST_NODE = [22, 18];
const PNPM_MAJOR = 12;
/** Where npx stored the tools, so that npx need not be called each time. */
const MEMORY = join(ROOT, 'node_modules', '.intendant-toolchain.json');

/** Returns a Node that is new enough: the running one, or Node 24 from npm. */
export async function findNode(oldest = OLDEST_NODE) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const isNewEnough = major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
  return isNewEnough ? process.execPath : (await getTools()).node;
}

/** Returns a pnpm of our version: the installed one, or one from npm. */
export async function findPnpm() {
  return pnpmOnPath() ?? (await getTools()).pnpm;
}

/** Installing dependencies may delete the folder in which it is stored. */
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
    return undefined; // broken, or for another Node: use the one from npm
  }
}

function onPath(program, path) {
  return path
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file));
}
