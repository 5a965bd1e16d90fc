import type { ComponentChildren } from 'preact';

/** Shows what is wrong, or that there is nothing to show. */
export function Notice({
  tone = 'dim',
  children,
}: {
  readonly tone?: 'dim' | 'bad';
  readonly children: ComponentChildren;
}) {
  return (
    <p class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      {children}
    </p>
  );
}

interface QueryState<Data> {
  readonly data: Data | undefined;
  readonly error: Error | null;
  readonly failureReason: Error | null;
}

/** Shows the data once it has been read; before, that it is loading, or the error. */
export function Loaded<Data>({
  of,
  children,
}: {
  readonly of: QueryState<Data>;
  readonly children: (data: Data) => ComponentChildren;
}) {
  const problem = of.error ?? of.failureReason;
  return (
    <>
      {problem && <Notice tone="bad">{problem.message}</Notice>}
      {of.data === undefined ? !problem && <Notice>Loading …</Notice> : children(of.data)}
    </>
  );
}
