import { type Checker, eventsOf, rowKey } from './checker.ts';
import { maySee, ownersIn } from './owners-in.ts';

/** No response, change, attempt, error or log line contains a mark of another tenant. */
export const foreignOwners: Checker = {
  rule: 'nothing of another tenant is in any result, feed, log line or error',
  spansFailovers: true,
  *check(history) {
    for (const { at, org, door, owners, text } of eventsOf(history, 'answer')) {
      const foreign = owners.filter((owner) => !maySee(org, owner));
      if (foreign.length > 0)
        yield { at, text: `${door}, called by ${org ?? 'nobody'}: it contains ${foreign.join(', ')}: ${text ?? ''}` };
    }
    for (const event of [...eventsOf(history, 'change'), ...eventsOf(history, 'attempt')]) {
      const foreign = ownersIn(`${event.id} ${event.value ?? ''}`).filter((owner) => owner !== event.org);
      const scope = event.kind === 'change' ? event.name.split('@')[1] : undefined;
      if (foreign.length > 0 || (scope !== undefined && scope !== event.org))
        yield { at: event.at, text: `${event.kind} of ${rowKey(event)}${scope ? ` to ${scope}` : ''}: ${event.value}` };
    }
  },
};

/** No log line and no error contains a planted password, token or record. */
export const plantedSecrets: Checker = {
  rule: 'no planted secret is in a log line or an error',
  spansFailovers: true,
  *check(history) {
    for (const { at, door, secret, text } of eventsOf(history, 'answer'))
      if (secret === true) yield { at, text: `${door}: ${text ?? ''}` };
  },
};
