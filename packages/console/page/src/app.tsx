import { useQuery } from '@tanstack/preact-query';
import { useEffect, useState } from 'preact/hooks';
import { ActionsProvider } from './action/actions.tsx';
import { ApiProblem, readSession, signIn } from './api/client.ts';
import type { Summary } from './api/model.ts';
import { summaryQuery } from './api/queries.ts';
import { ChangesView } from './changes/changes-view.tsx';
import { DeadLettersView } from './dead-letters/dead-letters-view.tsx';
import { Frame } from './frame.tsx';
import { liveChanges } from './live/live-changes.ts';
import { refreshWithChanges } from './live/refresh.ts';
import { currentPlace, usePlace } from './location/location.ts';
import { OverviewView } from './overview/overview-view.tsx';
import { PointsView } from './points/points-view.tsx';
import { prefetchView } from './prefetch-view.ts';
import { ResourcesView } from './resources/resources-view.tsx';
import { SignInView } from './sign-in/sign-in-view.tsx';
import { TenantsView } from './tenants/tenants-view.tsx';
import { Loaded, Notice } from './ui/notice.tsx';

type SignedIn = 'asking' | 'no' | 'yes' | ApiProblem;

export function App() {
  const [isSignedIn, setSignedIn] = useState<SignedIn>('asking');
  useEffect(() => void openSession().then(setSignedIn), []);
  useEffect(() => {
    if (isSignedIn !== 'yes') return;
    liveChanges.start();
    refreshWithChanges();
  }, [isSignedIn]);
  if (isSignedIn === 'asking') return <Notice>Loading …</Notice>;
  if (isSignedIn === 'yes') return <SignedInApp onSignedOut={() => setSignedIn('no')} />;
  const problem = isSignedIn === 'no' ? undefined : isSignedIn.message;
  return <SignInView problem={problem} onSignedIn={() => setSignedIn('yes')} />;
}

/** A one-time link carries its secret in the fragment (after #), which browsers do not send to servers. */
async function openSession(): Promise<SignedIn> {
  const [, link] = /^#link=(.+)$/.exec(location.hash) ?? [];
  if (link !== undefined) history.replaceState(null, '', location.pathname + location.search);
  try {
    if (link !== undefined) await signIn({ link });
    prefetchView(currentPlace());
    if (link === undefined) await readSession();
    return 'yes';
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    return error.status === 401 && link === undefined ? 'no' : error;
  }
}

function SignedInApp({ onSignedOut }: { readonly onSignedOut: () => void }) {
  const summary = useQuery(summaryQuery());
  const { segments } = usePlace();
  const isSignedOut = summary.error instanceof ApiProblem && summary.error.status === 401;
  useEffect(() => {
    if (isSignedOut) onSignedOut();
  }, [isSignedOut, onSignedOut]);
  const problem = summary.error ?? summary.failureReason;
  if (problem && summary.data === undefined) return <NotLoaded problem={problem} />;
  return (
    <Loaded of={summary}>
      {(data) => (
        <ActionsProvider>
          <Frame summary={data} view={segments[0] ?? ''}>
            <View summary={data} segments={segments} />
          </Frame>
        </ActionsProvider>
      )}
    </Loaded>
  );
}

/** There is no menu before the first summary: it depends on what the caller may see. */
const NotLoaded = ({ problem }: { readonly problem: Error }) => (
  <main class="signin">
    <section class="card">
      <h1>Intendant</h1>
      <Notice tone="bad">{problem.message}</Notice>
      {problem instanceof ApiProblem && problem.status === 503 && <p>This page opens by itself when it is back.</p>}
    </section>
  </main>
);

function View({ summary, segments }: { readonly summary: Summary; readonly segments: readonly string[] }) {
  const [view, table, id] = segments;
  if (view === undefined) return <OverviewView summary={summary} />;
  if (view === 'resources') return <ResourcesView summary={summary} openTable={table} openId={id} />;
  if (view === 'points') return <PointsView caller={summary.caller} />;
  if (view === 'changes') return <ChangesView tables={summary.tables.map((known) => known.table)} />;
  if (view === 'dead-letters') return <DeadLettersView mayWrite={summary.caller.mayWrite} />;
  if (view === 'tenants') return <TenantsView />;
  return (
    <>
      <header>
        <h1>Not found</h1>
      </header>
      <Notice>There is nothing here. Choose a view from the menu.</Notice>
    </>
  );
}
