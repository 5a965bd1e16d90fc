import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Host } from './namespace.ts';
import { runProgram } from './run-program.ts';

const SERVER = `
  const server = require('node:net').createServer((socket) => socket.end('hello'));
  server.listen(Number(process.argv[1]), '0.0.0.0', () => console.log('listening'));`;

const CLIENT = `
  const socket = require('node:net').connect({ host: process.argv[1], port: Number(process.argv[2]), timeout: 700 });
  const say = (word) => { console.log(word); process.exit(); };
  socket.on('data', () => say('open')).on('timeout', () => say('blocked')).on('error', (error) => say(error.code));`;

/** A TCP server on a port of a host, as a process in its namespace. */
export async function serve({ namespace }: Host, port: number): Promise<ChildProcess> {
  const server = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', SERVER, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(server.stdout ?? server, 'data');
  return server;
}

/** Opens a TCP connection from the clients' namespace: `open`, `blocked` (no answer in time) or the system's error code. */
export async function tryConnection(clients: string, { address }: Host, port: number): Promise<string> {
  const program = ['netns', 'exec', clients, process.execPath, '-e', CLIENT, address, String(port)];
  return (await runProgram('ip', program)).trim();
}
