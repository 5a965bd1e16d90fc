import { defineTable } from '@intendant/core';
import { cannotHoldOnCitus } from '@intendant/devdb/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readField } from '../resource/key.ts';
import { runCli } from './run-cli.ts';

const DEAD_URL = 'postgres://app:secret@127.0.0.1:1/nowhere';

/** Commands that a user gets wrong. `environment` names a database with a table `vm`. */
export function wrongUseCases(environment: () => { readonly DATABASE_URL: string }): void {
  describe('wrong use', () => {
    const cli = (args: readonly string[]) => runCli(args, { environment: environment() });
    const cases: [string, string[], number, RegExp][] = [
      ['an unknown command', ['lst'], 2, /unknown command 'lst'.*\n.*list/],
      ['an unknown flag', ['list', 'vm', '--oldr', '1d'], 2, /unknown option '--oldr'/],
      ['a missing argument', ['list'], 2, /missing required argument 'table'/],
      ['a table that does not exist', ['list', 'vmm'], 2, /no table "vmm".*there are vm/],
      ['a duration without a unit', ['list', 'vm', '--older', '10'], 2, /30s, 10m, 2h or 7d/],
      ['a field that does not exist', ['list', 'vm', '--where', 'size=3'], 2, /has no field "size"; it has id, name/],
      ['a database that is down', ['status', '--url', DEAD_URL, '--admin-url', DEAD_URL], 1, /ECONNREFUSED.*--url/],
      [
        'a URL of another protocol',
        ['status', '--url', 'http://x', '--admin-url', 'http://x'],
        2,
        /must start with postgres/,
      ],
      ['a configuration that does not exist', ['status', '--config', 'none.ts'], 2, /no configuration file .*none.ts/],
      ['a position of another log', ['changes', 'vm', '--from', 'x'], 2, /is not a position/],
    ];
    test.each(cases)('%s is one clear line', async (_name, args, exitCode, message) => {
      const result = await cli(args);
      expect(result).toMatchObject({ exitCode, stdout: '' });
      expect(result.stderr).toMatch(message);
      expect(result.stderr).not.toContain('secret');
      expect(result.stderr).toMatch(/^intendant: /);
    });

    test.skipIf(cannotHoldOnCitus("the nodes of the tests' cluster ask nobody for a password"))(
      'a URL without the password that the database asks for is one clear line',
      async () => {
        const url = new URL(environment().DATABASE_URL);
        url.password = '';
        const result = await cli(['status', '--url', url.href, '--admin-url', url.href]);
        expect(result).toMatchObject({ exitCode: 2, stdout: '' });
        expect(result.stderr).toMatch(/asks for a password.*DATABASE_URL/);
      },
    );

    test('a value that its column cannot hold is one clear line', () => {
      const disk = defineTable('disk', { schema: z.object({ id: z.string(), size: z.int32() }) });
      expect(() => readField(disk, 'size', 'big')).toThrow(
        '"big" is not a valid value for disk.size; its type is integer',
      );
    });

    test('no database at all says how to name one', async () => {
      const result = await runCli(['status']);
      expect(result).toMatchObject({ exitCode: 2, stdout: '' });
      expect(result.stderr).toMatch(/--url .*DATABASE_URL.*intendant.config.ts/);
    });
  });
}
