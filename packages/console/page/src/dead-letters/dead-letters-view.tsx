import { useQuery } from '@tanstack/preact-query';
import { useState } from 'preact/hooks';
import { ApiProblem, get, post } from '../api/client.ts';
import type { DeadLetter, Subscription } from '../api/model.ts';
import { queryClient } from '../api/query-client.ts';
import { Dialog } from '../ui/dialog.tsx';
import { plural, printField } from '../ui/format.ts';
import { keyText } from '../ui/key-text.tsx';
import { Ago } from '../ui/moment.tsx';
import { Loaded, Notice } from '../ui/notice.tsx';
import { visibleText } from '../ui/visible-text.ts';
import { SubscriptionsTable } from './subscriptions-table.tsx';

type Verb = 'replay' | 'drop';

interface Order {
  readonly verb: Verb;
  readonly name: string;
  /** Undefined: all dead letters of the name. */
  readonly letter: DeadLetter | undefined;
}

const readAgain = (): Promise<unknown> =>
  queryClient.invalidateQueries({
    predicate: ({ queryKey: [kind] }) => kind === 'dead-letters' || kind === 'subscriptions',
  });

export function DeadLettersView({ mayWrite }: { readonly mayWrite: boolean }) {
  const [order, setOrder] = useState<Order>();
  const [problem, setProblem] = useState<string>();
  const letters = useQuery({
    queryKey: ['dead-letters'],
    queryFn: ({ signal }) => get<{ deadLetters: DeadLetter[] }>('dead-letters?limit=500', signal),
    refetchInterval: 5_000,
  });
  const subscriptions = useQuery({
    queryKey: ['subscriptions'],
    queryFn: ({ signal }) => get<{ subscriptions: Subscription[] }>('subscriptions', signal),
    refetchInterval: 5_000,
  });
  const carryOut = async ({ verb, name, letter }: Order): Promise<void> => {
    setOrder(undefined);
    setProblem(undefined);
    try {
      await post(`dead-letters/${verb}`, { name, ...(letter && { positions: [letter.position] }) });
      await readAgain();
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error.message : String(error));
    }
  };
  const act = (wanted: Order) => (wanted.verb === 'drop' ? setOrder(wanted) : void carryOut(wanted));
  return (
    <>
      <header>
        <h1>Dead letters</h1>
        <span class="right">changes that a subscriber could not process</span>
      </header>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      {subscriptions.data && <SubscriptionsTable subscriptions={subscriptions.data.subscriptions} />}
      <Loaded of={letters}>
        {({ deadLetters }) =>
          deadLetters.length === 0 ? (
            <Notice>There are no dead letters.</Notice>
          ) : (
            [...Map.groupBy(deadLetters, ({ name }) => name)].map(([name, own]) => (
              <LettersOf key={name} name={name} letters={own} mayWrite={mayWrite} onAct={act} />
            ))
          )
        }
      </Loaded>
      {order && <DropDialog order={order} onDrop={() => void carryOut(order)} onClose={() => setOrder(undefined)} />}
    </>
  );
}

interface LettersOfProps {
  readonly name: string;
  readonly letters: readonly DeadLetter[];
  readonly mayWrite: boolean;
  readonly onAct: (order: Order) => void;
}

function LettersOf({ name, letters, mayWrite, onAct }: LettersOfProps) {
  return (
    <section class="card letters" aria-label={`Dead letters of ${name}`}>
      <div class="title">
        <h2>{name}</h2>
        <span class="dim">{plural(letters.length, 'dead letter')}</span>
        {mayWrite && <LetterButtons name={name} letter={undefined} onAct={onAct} suffix=" all" />}
      </div>
      {letters.map((letter) => (
        <details key={letter.position}>
          <summary>
            <span class={`op ${letter.operation}`}>{letter.operation}</span>
            <bdi class="cut subject">
              {letter.table} {keyText(letter)}
            </bdi>
            {letter.orgId !== null && <bdi class="org">{visibleText(letter.orgId)}</bdi>}
            <bdi class="dim cut">{visibleText(letter.error)}</bdi>
            <span class="dim">
              {letter.isDue ? 'to be tried again' : plural(letter.attempts, 'attempt')}, <Ago at={letter.failedAt} />{' '}
              ago
            </span>
          </summary>
          <pre class="error">{letter.error}</pre>
          {letter.record && (
            <dl>
              {Object.entries(letter.record).map(([field, value]) => (
                <div key={field}>
                  <dt>{field}</dt>
                  <dd>{printField(value)}</dd>
                </div>
              ))}
            </dl>
          )}
          {mayWrite && <LetterButtons name={name} letter={letter} onAct={onAct} suffix="" />}
        </details>
      ))}
    </section>
  );
}

interface LetterButtonsProps extends Pick<LettersOfProps, 'name' | 'onAct'> {
  readonly letter: DeadLetter | undefined;
  readonly suffix: string;
}

const LetterButtons = ({ name, letter, onAct, suffix }: LetterButtonsProps) => (
  <span class="buttons">
    <button type="button" class="small" onClick={() => onAct({ verb: 'replay', name, letter })}>
      Replay{suffix}
    </button>
    <button type="button" class="small" onClick={() => onAct({ verb: 'drop', name, letter })}>
      Drop{suffix}
    </button>
  </span>
);

function DropDialog({
  order: { name, letter },
  onDrop,
  onClose,
}: {
  readonly order: Order;
  readonly onDrop: () => void;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={letter ? 'Drop this dead letter?' : `Drop all dead letters of ${name}?`} onClose={onClose}>
      <p>
        The subscriber {name} will never be told of {letter ? 'this change' : 'these changes'}. This cannot be undone.
      </p>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="danger" onClick={onDrop}>
          Drop
        </button>
      </div>
    </Dialog>
  );
}
