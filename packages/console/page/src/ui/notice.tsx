import type { ComponentChildren } from 'preact';

/** Says what is wrong, or that there is nothing. */
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

interface Answer<Data> {
  readonly data: Data | undefined;
  readonly error: Error | null;
  readonly failureReason: Error | null;
}

/** What was read, as soon as it is there; until then that it is being read, or why it cannot be. */
export function Answered<Data>({
  of,
  children,
}: {
  readonly of: Answer<Data>;
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
