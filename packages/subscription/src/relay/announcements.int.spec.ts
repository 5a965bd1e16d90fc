import { eventually, testDatabase, withClient } from '@intendant/devdb/testing';
import { pino } from 'pino';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { Announcements } from './announcements.ts';

const database = await testDatabase();
afterAll(() => database.drop());

const CHANNEL = 'announced';
const heard: string[] = [];
let readChannel = async (): Promise<string> => CHANNEL;
const announcements = new Announcements({
  connection: { connectionString: database.url },
  logger: pino({ level: 'silent' }),
  readChannel: () => readChannel(),
  announced: (payload) => heard.push(payload),
  noticed: (payload) => heard.push(`of a writer: ${payload}`),
});
const announce = (payload: string) =>
  withClient(database.adminUrl, (client) => client.query('select pg_notify($1, $2)', [CHANNEL, payload]));
const countListeners = () =>
  withClient(database.adminUrl, async (client) => {
    const sql = `select from pg_stat_activity where application_name = 'intendant listener' and datname = current_database()`;
    return (await client.query(sql)).rowCount;
  });

beforeEach(async () => {
  readChannel = async () => CHANNEL;
  await announcements.stop();
  heard.length = 0;
});

test('started twice, announcements are received once, over one connection', async () => {
  await Promise.all([announcements.start(), announcements.start()]);
  await announce('one');
  await announce('two');
  await eventually(() => expect(heard).toEqual(['one', 'two']));
  expect(await countListeners()).toBe(1);
});

test('after a stop nothing is received, and after a second start announcements are received again', async () => {
  await announcements.start();
  await announcements.stop();
  await announcements.stop();
  await eventually(async () => expect(await countListeners()).toBe(0));
  await announce('unheard');
  await announcements.start();
  await announce('heard');
  await eventually(() => expect(heard).toEqual(['heard']));
});

test('a start that fails keeps no connection, and the next start tries again', async () => {
  readChannel = () => Promise.reject(new Error('no channel yet'));
  await expect(announcements.start()).rejects.toThrow('no channel yet');
  await eventually(async () => expect(await countListeners()).toBe(0));
  readChannel = async () => CHANNEL;
  await announcements.start();
  await announce('heard');
  await eventually(() => expect(heard).toEqual(['heard']));
});

test('a stop during a start leaves no connection behind', async () => {
  const starting = announcements.start().catch(() => {});
  await announcements.stop();
  await starting;
  await eventually(async () => expect(await countListeners()).toBe(0));
});
