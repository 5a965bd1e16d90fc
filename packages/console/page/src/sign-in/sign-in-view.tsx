import type { TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';
import { ApiProblem, signIn } from '../api/client.ts';
import { Notice } from '../ui/notice.tsx';

interface SignInViewProps {
  readonly problem: string | undefined;
  readonly onSignedIn: () => void;
}

export function SignInView({ problem: first, onSignedIn }: SignInViewProps) {
  const [problem, setProblem] = useState(first);
  const [token, setToken] = useState('');
  const submit = async (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    try {
      await signIn({ token: token.trim() });
      onSignedIn();
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error.message : 'That did not work.');
    }
  };
  return (
    <main class="signin">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <h1>Intendant</h1>
        {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
        <label for="token">Bearer token</label>
        <textarea
          id="token"
          rows={4}
          required
          spellcheck={false}
          autocomplete="off"
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <button type="submit" class="primary">
          Sign in
        </button>
        <p>Or open the one-time link that the console printed when it was started.</p>
      </form>
    </main>
  );
}
