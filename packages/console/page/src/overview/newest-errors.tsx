import { resourcePath } from '../api/client.ts';
import type { NewestError } from '../api/model.ts';
import { Link } from '../location/link.tsx';
import { KeyText } from '../ui/key-text.tsx';
import { Ago } from '../ui/moment.tsx';
import { Notice } from '../ui/notice.tsx';
import { visibleText } from '../ui/visible-text.ts';

export function NewestErrors({ errors }: { readonly errors: readonly NewestError[] }) {
  return (
    <section class="card" aria-labelledby="errors-title">
      <h2 id="errors-title">Newest errors</h2>
      {errors.length === 0 && <Notice>Nothing is in error.</Notice>}
      <ul class="errors">
        {errors.map((error) => (
          <li key={`${error.table}/${error.id}/${error.point}`}>
            <Link to={`${resourcePath(error)}?table=${encodeURIComponent(error.table)}&status=ERROR`}>
              <KeyText of={error} />
            </Link>
            <span class="dim">
              {error.table} at <bdi>{visibleText(error.point)}</bdi>, <Ago at={error.since} /> ago
            </span>
            <p title={error.message}>
              <bdi>{visibleText(error.message)}</bdi>
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
