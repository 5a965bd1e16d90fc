// One side of a comparison, alone in this process. Asked over IPC; ends with its parent.
import type { Contestant, ContestantOptions, PeerModule, Workload } from './contestant.ts';
import { type Answer, messageOf, type Question } from './question.ts';

let contestant: Contestant | undefined;

/** Returns the time from the import to the end of the first operation, in milliseconds. */
async function open(peer: string, options: ContestantOptions, firstWork: Workload | undefined): Promise<number> {
  const startedAt = performance.now();
  const module = (await import(`../peers/${peer}.ts`)) as PeerModule;
  contestant = await module.open(options);
  if (firstWork) await contestant.run(firstWork);
  return performance.now() - startedAt;
}

async function answer(question: Question): Promise<unknown> {
  if (question.kind === 'open') return open(question.peer, question.options, question.firstWork);
  if (contestant === undefined) throw new Error('the contestant is asked to work before it is opened');
  return contestant.run(question.workload);
}

process.on('message', (question: Question) => {
  answer(question).then(
    (result) => reply({ result }),
    (error: unknown) => reply({ error: messageOf(error) }),
  );
});

/** The parent may have ended already: when a run ends, running operations end too. */
function reply(answer: Answer): void {
  if (process.connected) process.send?.(answer, undefined, undefined, () => {});
}

/** Ctrl-C reaches the whole process group; the parent decides what to do. */
process.on('SIGINT', () => {});

/** Ends the process normally, so that profiles are written. */
process.on('disconnect', () => {
  const end = () => process.exit(0);
  setTimeout(end, 2_000);
  (contestant?.close() ?? Promise.resolve()).then(end, end);
});
