import type { Realization, RealizationSession, Status } from '@intendant/realization';
import type { Cast, Post } from './cast.ts';
import type { Findings } from './findings.ts';
import { CALLERS, policy } from './tables.ts';
import { say } from './terminal.ts';

export interface Stage extends Pick<Cast, 'posts' | 'subscriber'> {
  readonly realization: Realization;
  readonly findings: Findings;
}

const TIMEOUT_MS = 60_000;

/** T0 persists an intent for E1 and E2, T1 and T2 realize it, and then T0 deletes it. */
export async function desiredToRealized(stage: Stage): Promise<void> {
  const r = stage.realization.as(CALLERS['Coke/Americas']);
  await realize(stage, r);
  await unrealize(stage, r);
  await hearWorkers(stage);
  await hearSubscriber(stage);
}

async function realize(stage: Stage, r: RealizationSession): Promise<void> {
  const [first, second] = stage.posts;
  const wanted = { id: 'P1', name: 'web', allowedPorts: [80, 443] };
  const { record } = await r.persistIntent(policy, wanted, { enforcementPoints: ['E1', 'E2'] });
  say('T0', `persists P1 for E1 and E2, at revision ${record.revision}`);
  await read(stage, r, 'when persisted', 'PENDING');

  first.actor.go();
  await stage.subscriber.witness.untilSaw('P1 at E1', 'REALIZED');
  await read(stage, r, 'when T1 is done', 'PENDING');
  await readFolder(stage, first, ['P1.json']);
  await readFolder(stage, second, []);

  second.actor.go();
  await r.waitFor(policy, 'P1', { status: 'REALIZED', revision: record.revision, timeoutMs: TIMEOUT_MS });
  await read(stage, r, 'when T2 is done too', 'REALIZED');
  await readFolder(stage, second, ['P1.json']);
}

async function unrealize(stage: Stage, r: RealizationSession): Promise<void> {
  await r.softDelete(policy, 'P1');
  say('T0', 'deletes P1');
  await r.waitFor(policy, 'P1', { status: 'DELETION_REALIZED', timeoutMs: TIMEOUT_MS });
  await read(stage, r, 'after the deletion', 'DELETION_REALIZED');
  for (const post of stage.posts) await readFolder(stage, post, []);
}

async function read({ findings }: Stage, r: RealizationSession, when: string, expected: Status): Promise<void> {
  const status = await r.getOverallStatus(policy, 'P1');
  say('T0', `reads ${status} ${when}`);
  findings.add('T0', `P1 ${when}`, status, expected);
}

/** The enforced state can be checked directly: here it is a file. */
async function readFolder({ findings }: Stage, { enforcementPoint, folder }: Post, expected: string[]): Promise<void> {
  const files = await folder.list();
  findings.add('T0', `the folder of ${enforcementPoint}`, contents(files), contents(expected));
}

const contents = (files: readonly string[]): string => (files.length === 0 ? 'empty' : files.join(', '));

async function hearWorkers({ posts, findings }: Stage): Promise<void> {
  for (const { actor, witness } of posts) {
    await witness.untilSaw('P1', 'unrealize revision 2');
    findings.add(actor.name, 'P1', distinct(witness.about('P1')), 'realize revision 1, unrealize revision 2');
  }
}

async function hearSubscriber({ subscriber, findings }: Stage): Promise<void> {
  const { actor, witness } = subscriber;
  await witness.untilSaw('P1', 'delete revision 2');
  findings.add(actor.name, 'P1', distinct(witness.about('P1')), 'insert revision 1, delete revision 2');
  for (const point of ['E1', 'E2']) {
    await witness.untilSaw(`P1 at ${point}`, 'DELETION_REALIZED');
    const seen = new Set(witness.about(`P1 at ${point}`));
    const met = MILESTONES.filter((status) => seen.has(status));
    findings.add(actor.name, `P1 at ${point}`, met.join(' → '), MILESTONES.join(' → '));
  }
}

const MILESTONES: readonly Status[] = ['PENDING', 'REALIZED', 'DELETION_PENDING', 'DELETION_REALIZED'];

/** An attempt that a killed worker did not finish is repeated, without a further event. */
const distinct = (seen: readonly string[]): string => [...new Set(seen)].join(', ');
