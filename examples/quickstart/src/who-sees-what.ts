import { type DataStore, OperationNotAllowedError } from '@intendant/core';
import type { Findings } from './findings.ts';
import { CALLERS, vm } from './tables.ts';
import { say } from './terminal.ts';

const VMS = {
  'Coke/Americas': { name: 'coke-web', region: 'us-west-1' },
  'Coke/Europe': { name: 'coke-web', region: 'eu-central-1' },
  'Pepsi/Americas': { name: 'pepsi-shop', region: 'us-east-2' },
};

type CallerName = keyof typeof VMS;
const NAMES = Object.keys(VMS) as CallerName[];

/** Three callers give their machines the same id, and each finds its own machine. */
export async function whoSeesWhat(store: DataStore, findings: Findings): Promise<void> {
  for (const name of NAMES) {
    const session = store.as(CALLERS[name]);
    await session.insert(vm, { id: 'VM1', ...VMS[name] });
    say(name, 'stores VM1');
  }
  for (const name of NAMES) {
    const session = store.as(CALLERS[name]);
    const found = describe(await session.find(vm, 'VM1'));
    say(name, `finds VM1: ${found}`);
    const visible = await session.findMany(vm);
    findings.add(name, 'VM1', found, describe(VMS[name]));
    findings.add(name, 'the list of VMs', names(visible), names([VMS[name]]));
  }
  findings.add('Pepsi/Americas', "Coke's VM1", await askForAnothers(store), 'OperationNotAllowedError');
}

const describe = ({ name, region }: { name: string; region: string }): string => `${name} in ${region}`;

const names = (vms: readonly { name: string }[]): string => `${vms.map(({ name }) => name).join(', ')} alone`;

async function askForAnothers(store: DataStore): Promise<string> {
  try {
    return describe(await store.as(CALLERS['Pepsi/Americas']).find(vm, { id: 'VM1', orgId: 'Coke' }));
  } catch (error) {
    if (!(error instanceof OperationNotAllowedError)) throw error;
    return error.name;
  }
}
