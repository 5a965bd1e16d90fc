import { join } from 'node:path';
import { Actor } from './actor.ts';
import { EnforcedFolder } from './enforced-folder.ts';
import { QuickstartError } from './quickstart-error.ts';
import type { DemoSettings } from './settings.ts';
import { Witness } from './witness.ts';

type Environment = Readonly<Record<string, string>>;

/** A process, and the events that it reported. */
export interface Role {
  readonly actor: Actor;
  readonly witness: Witness;
}

/** The process of a worker at its point, and what it enforces there. */
export interface Post extends Role {
  readonly enforcementPoint: string;
  readonly folder: EnforcedFolder;
}

/** The processes that T0 starts. */
export interface Cast extends AsyncDisposable {
  readonly posts: readonly [Post, Post];
  readonly subscriber: Role;
  /** Rejects when one of them failed; never resolves. */
  readonly failed: Promise<never>;
  /** Starts the processes. They load their modules, and wait for instructions. */
  start(): void;
  /** Gives all of them settings, also when one is started again. */
  instruct(environment: Environment): void;
  /** Resolves when all are ready. */
  ready(): Promise<void>;
}

/** Two workers and a subscriber, not yet started. The workers' folders are created empty. */
export async function openCast(settings: DemoSettings): Promise<Cast> {
  const environment = { QUICKSTART_REALIZE_MS: String(settings.realizeMs) };
  const posts = [
    await openPost('T1', 'E1', settings.folderPath, environment),
    await openPost('T2', 'E2', settings.folderPath, environment),
  ] as const;
  const subscriber = openRole('subscriber', 'subscriber.ts', environment);
  const actors = [...posts, subscriber].map(({ actor }) => actor);
  return {
    posts,
    subscriber,
    failed: Promise.race(actors.map(({ failed }) => failed)),
    start: () => {
      for (const actor of actors) actor.start();
    },
    instruct: (instructions) => {
      for (const actor of actors) actor.instruct(instructions);
    },
    ready: async () => void (await Promise.all(actors.map((actor) => actor.ready()))),
    [Symbol.asyncDispose]: async () => void (await Promise.all(actors.map((actor) => actor.stop()))),
  };
}

function openRole(name: string, script: string, environment: Environment): Role {
  const witness = new Witness();
  return { witness, actor: new Actor({ name, script, environment, onSaw: witness.hear }) };
}

async function openPost(
  name: string,
  enforcementPoint: string,
  parentFolder: string,
  environment: Environment,
): Promise<Post> {
  const folder = new EnforcedFolder(join(parentFolder, enforcementPoint));
  await folder.empty().catch((cause: NodeJS.ErrnoException) => {
    throw new QuickstartError(
      `The folder ${folder.path} can't be written to (${cause.code}). Set QUICKSTART_FOLDER to one that can.`,
      { cause },
    );
  });
  const role = openRole(name, 'worker.ts', {
    ...environment,
    ENFORCEMENT_POINT: enforcementPoint,
    ENFORCED_FOLDER: folder.path,
  });
  return { ...role, enforcementPoint, folder };
}
