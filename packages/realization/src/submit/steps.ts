import type { OperationKind, WaitingOperation } from '../operation/operation.ts';
import { identityKey } from '../resource/identity-set.ts';

const JOINABLE_KINDS: ReadonlySet<OperationKind> = new Set(['mark', 'persistIntent']);

/**
 * Divides operations into steps that can be written together: marks, or intents, of one caller in one table, submitted in
 * one trace. The operations of one resource stay in order; different resources are independent.
 */
export function inSteps(operations: readonly WaitingOperation[], maxTogether: number): WaitingOperation[][] {
  const steps: WaitingOperation[][] = [];
  const openStepOf = new Map<string, number>();
  const lastStepOf = new Map<string, number>();
  const begin = (): number => steps.push([]) - 1;
  for (const waiting of operations) {
    const resource = `${waiting.tableName} ${identityKey(waiting.operation.identity)}`;
    const earliest = lastStepOf.get(resource) ?? 0;
    const step = JOINABLE_KINDS.has(waiting.operation.kind) ? joinable(waiting, earliest) : begin();
    (steps[step] as WaitingOperation[]).push(waiting);
    lastStepOf.set(resource, step);
  }
  return steps;

  function joinable({ tableName, scope, operation, traceparent }: WaitingOperation, earliest: number): number {
    const group = JSON.stringify([operation.kind, tableName, scope, traceparent]);
    const open = openStepOf.get(group);
    if (open !== undefined && open >= earliest && (steps[open]?.length ?? 0) < maxTogether) return open;
    const step = begin();
    openStepOf.set(group, step);
    return step;
  }
}
