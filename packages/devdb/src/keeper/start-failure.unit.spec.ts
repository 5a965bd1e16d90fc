import { expect, test } from 'vitest';
import { failureOfProgram, failureOfSystem } from './start-failure.ts';

const context = { folder: '/data', port: 5432 };

test.for([
  ['FATAL:  lock file "postmaster.pid" already exists', 'FOLDER_IN_USE', '/data is in use'],
  ['LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', 'PORT_TAKEN', 'Port 5432 is taken'],
  ['LOG:  could not bind IPv4 address "127.0.0.1": Permission denied', 'FOLDER_NOT_WRITABLE', 'listen on port 5432'],
  ['FATAL:  could not write to file "x": No space left on device', 'DISK_FULL', 'no space left for /data'],
  ['FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes at block 10', 'DISK_FULL', '/data'],
  ['initdb: error: could not access directory "/data": Permission denied', 'FOLDER_NOT_WRITABLE', '/data'],
  ["postgres: /lib/libc.so.6: version `GLIBC_2.28' not found", 'UNSUPPORTED_PLATFORM', 'GLIBC_2.28'],
  ['FATAL:  something nobody has seen before', 'START_FAILED', 'nobody has seen before'],
] as const)('what Postgres says last, %s, is understood as %s', ([line, code, part]) => {
  const failure = failureOfProgram(['LOG:  starting', line], context);
  expect(failure).toMatchObject({ code, message: expect.stringContaining(part) });
});

test.for([
  [{ code: 'EACCES', syscall: 'mkdir', path: '/root/x' }, 'FOLDER_NOT_WRITABLE', '/root/x'],
  [{ code: 'EROFS', syscall: 'mkdtemp', path: '/cdrom/x' }, 'FOLDER_NOT_WRITABLE', '/cdrom/x'],
  [{ code: 'ENOENT', syscall: 'mkdir', path: '/proc/x' }, 'FOLDER_NOT_WRITABLE', '/proc/x'],
  [{ code: 'ENOSPC', syscall: 'write' }, 'DISK_FULL', '/data'],
  [{ code: 'ENOENT', syscall: 'spawn /x/postgres' }, 'UNSUPPORTED_PLATFORM', 'libc'],
  [{ code: 'ENOENT', syscall: 'open', path: '/data/PG_VERSION' }, 'START_FAILED', '/data'],
] as const)('a system call that fails with %o is understood as %s', ([facts, code, part]) => {
  const failure = failureOfSystem(Object.assign(new Error('failed'), facts), '/data');
  expect(failure).toMatchObject({ code, message: expect.stringContaining(part) });
});
