import type { Subscription } from '../api/model.ts';
import { printNumber } from '../ui/format.ts';
import { Notice } from '../ui/notice.tsx';

export function SubscriptionsTable({ subscriptions }: { readonly subscriptions: readonly Subscription[] }) {
  if (subscriptions.length === 0) return <Notice>There are no durable subscriptions.</Notice>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: on a narrow screen it scrolls, also by keyboard
    <section class="card flush scroll" aria-label="Durable subscriptions" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Subscription</th>
            <th scope="col">Table</th>
            <th scope="col">Tenant</th>
            <th scope="col" class="num">
              Members
            </th>
            <th scope="col" class="num">
              Behind by
            </th>
            <th scope="col" class="num">
              Dead letters
            </th>
          </tr>
        </thead>
        <tbody>
          {subscriptions.map(({ name, table, orgId, members, lag, deadLetters }) => (
            <tr key={name}>
              <td>{name}</td>
              <td>{table}</td>
              <td class={orgId === null ? 'dim' : ''}>{orgId ?? 'all'}</td>
              <td class={`num ${members === 0 ? 'alert' : ''}`}>{printNumber(members)}</td>
              <td class="num">{lag >= 10_000 ? '10,000 or more' : printNumber(lag)}</td>
              <td class={`num ${deadLetters > 0 ? 'alert' : ''}`}>{printNumber(deadLetters)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
