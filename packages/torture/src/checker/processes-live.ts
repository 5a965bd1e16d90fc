import { type Checker, eventsOf } from './checker.ts';

/** Faults end no process, except faults that are meant to. */
export const processesLive: Checker = {
  rule: 'no process ends by itself',
  spansFailovers: true,
  *check(history) {
    for (const { at, phase, role, target, note } of eventsOf(history, 'process'))
      if (phase === 'died') yield { at, text: `${role}, process ${target}: ${note ?? ''}` };
  },
};

/** Violations that scenarios detected themselves, and figures that exceed their limits. */
export const complaints: Checker = {
  rule: 'what scenarios ask for by themselves',
  spansFailovers: true,
  *check(history) {
    for (const { at, rule, text } of eventsOf(history, 'complaint')) yield { at, text: `${rule}: ${text}` };
    for (const { at, name, value, unit, limit } of eventsOf(history, 'figure'))
      if (limit !== undefined && value > limit)
        yield { at, text: `${name}: ${value} ${unit}, and at most ${limit} is allowed` };
  },
};
