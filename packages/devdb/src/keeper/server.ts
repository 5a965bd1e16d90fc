import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DevDatabaseError, failure } from '../dev-database-error.ts';
import type { ServerUser } from './server-user.ts';
import { failureOfProgram, failureOfSystem } from './start-failure.ts';

/** A standby accepts read-only connections. */
const READY = /database system is ready to accept (read-only )?connections/;
const KEPT_LINES = 50;
const FREE_PORT_TRIES = 5;
const FAST_SHUTDOWN_MS = 5000;
const IMMEDIATE_SHUTDOWN_MS = 2000;

export interface ServerOptions {
  readonly binaries: string;
  readonly folder: string;
  readonly user: ServerUser;
  /** The TCP port; null for a free one. */
  readonly port: number | null;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly onLine: (line: string) => void;
  /** Receives each program when it is started, so that it can be ended at any time. */
  readonly onProgram: (program: ChildProcess) => void;
}

export interface Server {
  readonly process: ChildProcess;
  readonly port: number;
}

type ProgramOptions = Pick<ServerOptions, 'binaries' | 'folder' | 'user' | 'onLine' | 'onProgram'>;

interface ClusterOptions extends ProgramOptions {
  readonly passwordFile: string;
  /** The folder that the user asked for, for messages. A new cluster is made beside it. */
  readonly wantedFolder: string;
}

/** What all clusters are made with. */
export const INITDB_OPTIONS = [
  '--username=postgres',
  '--auth=scram-sha-256',
  // The password is random. More iterations would only make every connection slower.
  '--set=scram_iterations=32',
  '--encoding=UTF8',
  '--locale-provider=builtin',
  '--locale=C.UTF-8',
  '--no-sync',
  '--no-instructions',
];

/** Makes a database cluster in an empty folder that belongs to the server's user. */
export async function initializeCluster(options: ClusterOptions): Promise<void> {
  const arguments_ = [`--pgdata=${options.folder}`, `--pwfile=${options.passwordFile}`, ...INITDB_OPTIONS];
  const program = startProgram('initdb', arguments_, options);
  const output = collectLines(program, options.onLine);
  const code = await exitCode(program, options.folder);
  if (code !== 0) throw failureOfProgram(output, { folder: options.wantedFolder, port: null });
}

interface PasswordOptions extends ProgramOptions {
  readonly password: string;
}

/** Sets the superuser's password in a cluster on which no server runs. Returns whether that succeeded. */
export async function setPassword({ password, ...options }: PasswordOptions): Promise<boolean> {
  const program = startProgram('postgres', ['--single', '-F', '-D', options.folder, 'postgres'], options, 'pipe');
  program.stdin?.on('error', () => undefined); // The exit code tells of a program that does not read.
  program.stdin?.end(`alter role postgres password '${password}'\n`);
  const output = collectLines(program, options.onLine);
  const code = await exitCode(program, options.folder);
  return code === 0 && !output.some((line) => /ERROR|FATAL|PANIC/.test(line));
}

/** Starts the server and waits until it accepts connections. */
export async function startServer(options: ServerOptions): Promise<Server> {
  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await findFreePort());
    try {
      return { process: await startOnPort(port, options), port };
    } catch (error) {
      const mayRetry = options.port === null && tries < FREE_PORT_TRIES;
      if (mayRetry && error instanceof DevDatabaseError && error.code === 'PORT_TAKEN') continue;
      throw error;
    }
  }
}

/** Stops the server: fast shutdown, then immediate shutdown, then kill. Resolves when it has ended. */
export async function stopProgram(program: ChildProcess): Promise<void> {
  if (hasEnded(program)) return;
  const ended = once(program, 'exit');
  // https://www.postgresql.org/docs/18/server-shutdown.html: SIGINT is fast, SIGQUIT immediate shutdown.
  program.kill('SIGINT');
  const quit = setTimeout(() => program.kill('SIGQUIT'), FAST_SHUTDOWN_MS);
  const kill = setTimeout(() => program.kill('SIGKILL'), FAST_SHUTDOWN_MS + IMMEDIATE_SHUTDOWN_MS);
  await ended;
  clearTimeout(quit);
  clearTimeout(kill);
}

function hasEnded(program: ChildProcess): boolean {
  return program.pid === undefined || program.exitCode !== null || program.signalCode !== null;
}

async function startOnPort(port: number, options: ServerOptions): Promise<ChildProcess> {
  const settings = {
    ...options.settings,
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
  };
  const arguments_ = [
    '-D',
    options.folder,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const program = startProgram('postgres', arguments_, options);
  const { promise: ready, resolve } = Promise.withResolvers<'ready'>();
  const output = collectLines(program, (line) => {
    if (READY.test(line)) resolve('ready');
    options.onLine(line);
  });
  const outcome = await Promise.race([ready, exitCode(program, options.folder)]);
  if (outcome === 'ready') return program;
  throw failureOfProgram(output, { folder: options.folder, port });
}

function startProgram(
  name: string,
  arguments_: readonly string[],
  options: ProgramOptions,
  input: 'ignore' | 'pipe' = 'ignore',
): ChildProcess {
  const environment = { PATH: process.env['PATH'], HOME: options.folder, LC_ALL: 'C', TZ: process.env['TZ'] };
  const program = spawn(join(options.binaries, 'bin', name), arguments_, {
    ...options.user,
    cwd: '/',
    env: environment,
    stdio: [input, 'pipe', 'pipe'],
  });
  options.onProgram(program);
  return program;
}

function collectLines(program: ChildProcess, onLine: (line: string) => void): string[] {
  const kept: string[] = [];
  for (const stream of [program.stdout, program.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      kept.push(line);
      if (kept.length > KEPT_LINES) kept.shift();
      onLine(line);
    });
  }
  return kept;
}

/** Resolves when all output of the program has been read. */
async function exitCode(program: ChildProcess, folder: string): Promise<number | null> {
  try {
    const [code] = (await once(program, 'close')) as [number | null];
    return code;
  } catch (error) {
    throw failureOfSystem(error, folder);
  }
}

async function findFreePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  if (address === null || typeof address === 'string') throw failure('START_FAILED', 'No free port was found');
  return address.port;
}
