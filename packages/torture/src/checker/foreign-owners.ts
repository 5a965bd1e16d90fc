import { type Checker, eventsOf, rowKey } from './checker.ts';
import { maySee, ownersIn } from './owners-in.ts';

/** No answer, change, attempt, error or log line carries a mark of another tenant's. */
export const foreignOwners: Checker = {
  rule: 'nothing of another tenant is in any answer, feed, log line or error',
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

/** Passwords, tokens and records that were planted stand in no log line and in no error. */
export const plantedSecrets: Checker = {
  rule: 'no planted secret is in a log line or an error',
  spansFailovers: true,
  *check(history) {
    for (const { at, door, secret, text } of eventsOf(history, 'answer'))
      if (secret === true) yield { at, text: `${door}: ${text ?? ''}` };
  },
};
