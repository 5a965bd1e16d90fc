import { runProgram } from './run-program.ts';

/*
 * Each namespace is a small host: a loopback interface and one address on a veth pair, whose other end is in the
 * namespace of the clients. Everything stays on this machine.
 */

const ip = (...args: string[]) => runProgram('ip', args);

export interface Host {
  /** Name of the network namespace. */
  readonly namespace: string;
  readonly address: string;
}

/** Makes the namespace from which the example's clients connect. Its addresses are 10.79.<index>.1 towards each host. */
export async function makeClients(namespace: string): Promise<void> {
  await ip('netns', 'add', namespace);
  await ip('-n', namespace, 'link', 'set', 'lo', 'up');
}

/** Makes a host with the address 10.79.<index>.2, which the clients reach. */
export async function makeHost(namespace: string, clients: string, index: number): Promise<Host> {
  const [inside, outside] = [`${namespace}-a`.slice(-15), `${namespace}-b`.slice(-15)];
  const address = `10.79.${index}.2`;
  await ip('netns', 'add', namespace);
  await ip('link', 'add', inside, 'netns', namespace, 'type', 'veth', 'peer', 'name', outside, 'netns', clients);
  await ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', inside);
  await ip('-n', clients, 'addr', 'add', `10.79.${index}.1/24`, 'dev', outside);
  for (const [where, device] of [
    [namespace, 'lo'],
    [namespace, inside],
    [clients, outside],
  ] as const)
    await ip('-n', where, 'link', 'set', device, 'up');
  return { namespace, address };
}

/** Removes a namespace and what is in it. Does nothing if it is not there. */
export async function removeNamespace(namespace: string): Promise<void> {
  await ip('netns', 'del', namespace).catch((error: Error) => {
    if (!/No such file/.test(error.message)) throw error;
  });
}
