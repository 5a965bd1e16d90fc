import { useQuery } from '@tanstack/preact-query';
import { type ComponentChildren, createContext } from 'preact';
import { useContext, useState } from 'preact/hooks';
import { ApiProblem, get, post } from '../api/client.ts';
import type { ActionRun } from '../api/model.ts';
import { queryClient } from '../api/query-client.ts';
import { Dialog } from '../ui/dialog.tsx';
import { plural, printNumber } from '../ui/format.ts';
import { Notice } from '../ui/notice.tsx';

/** The request to the API, without `dryRun`. */
export interface ActionRequest {
  readonly action: 'retry' | 'resync' | 'purge' | 'drain';
  readonly body: Readonly<Record<string, unknown>>;
  /** The effect of the action, in words. */
  readonly effect: string;
}

type Ask = (request: ActionRequest) => void;

const Actions = createContext<Ask>(() => {});

/** Shows the number of resources concerned first, then the confirmation, then the progress. */
export const useActions = (): Ask => useContext(Actions);

interface Planned {
  readonly request: ActionRequest;
  readonly matched: number;
}

export function ActionsProvider({ children }: { readonly children: ComponentChildren }) {
  const [planned, setPlanned] = useState<Planned>();
  const [runId, setRunId] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const attempt = (work: Promise<void>): void => {
    setProblem(undefined);
    work.catch((error: unknown) => setProblem(error instanceof ApiProblem ? error.message : String(error)));
  };
  const ask: Ask = (request) =>
    attempt(
      post<{ matched: number }>(`actions/${request.action}`, { ...request.body, dryRun: true }).then(({ matched }) =>
        setPlanned({ request, matched }),
      ),
    );
  const confirm = ({ request, matched }: Planned): void => {
    setPlanned(undefined);
    const limit = request.action === 'purge' || request.action === 'drain' ? { atMost: matched } : {};
    attempt(post<ActionRun>(`actions/${request.action}`, { ...request.body, ...limit }).then(({ id }) => setRunId(id)));
  };
  return (
    <Actions.Provider value={ask}>
      {children}
      {planned && (
        <Confirmation planned={planned} onConfirm={() => confirm(planned)} onClose={() => setPlanned(undefined)} />
      )}
      <section class="toasts" aria-label="Actions">
        {problem !== undefined && (
          <Toast onClose={() => setProblem(undefined)}>{<Notice tone="bad">{problem}</Notice>}</Toast>
        )}
        {runId !== undefined && <Progress key={runId} id={runId} onClose={() => setRunId(undefined)} />}
      </section>
    </Actions.Provider>
  );
}

interface ConfirmationProps {
  readonly planned: Planned;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

function Confirmation({ planned: { request, matched }, onConfirm, onClose }: ConfirmationProps) {
  const isHarsh = request.action === 'purge' || request.action === 'drain';
  const title = `${titleOf(request.action)} ${plural(matched, 'resource')}?`;
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{request.effect}</p>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class={isHarsh ? 'danger' : 'primary'}
          disabled={matched === 0 && !isHarsh}
          onClick={onConfirm}
        >
          {titleOf(request.action)} {printNumber(matched)}
        </button>
      </div>
    </Dialog>
  );
}

const titleOf = (action: string): string => action.charAt(0).toUpperCase() + action.slice(1);

function Toast({ children, onClose }: { readonly children: ComponentChildren; readonly onClose: () => void }) {
  return (
    <div class="toast">
      {children}
      <button type="button" class="quiet" aria-label="Close" onClick={onClose}>
        ×
      </button>
    </div>
  );
}

/** Follows an action until it ends. */
function Progress({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const { data: run, error } = useQuery({
    queryKey: ['action', id],
    queryFn: async ({ signal }) => {
      const found = await get<ActionRun>(`actions/${id}`, signal);
      if (found.state !== 'running')
        void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'action' });
      return found;
    },
    refetchInterval: ({ state }) => (state.data?.state === 'running' || state.data === undefined ? 250 : false),
  });
  if (error) return <Toast onClose={onClose}>{<Notice tone="bad">{error.message}</Notice>}</Toast>;
  if (!run) return null;
  return (
    <Toast onClose={onClose}>
      <div role="status">
        <strong>{progressText(run)}</strong>
        <progress
          max={Math.max(1, run.total)}
          value={run.state === 'done' ? Math.max(1, run.total) : run.done + run.failed}
          aria-label={run.action}
        />
        {run.error !== null && <Notice tone="bad">{run.error}</Notice>}
      </div>
    </Toast>
  );
}

const progressText = ({ action, state, done, total, failed }: ActionRun): string => {
  const figures = `${printNumber(done)} of ${printNumber(Math.max(total, done))}`;
  const skipped = failed > 0 ? `, ${printNumber(failed)} no longer there` : '';
  if (state === 'done') return `${titleOf(action)} done: ${figures}${skipped}`;
  return state === 'failed'
    ? `${titleOf(action)} stopped at ${figures}${skipped}`
    : `${titleOf(action)}: ${figures}${skipped}`;
};
