import { runAttempt } from './attempt.ts';
import type { BegunAttempt } from './begin-attempts.ts';
import { type Claim, isLeaseOver } from './claims.ts';
import type { Outcome } from './reschedule-attempts.ts';

/** If the lease has expired before the attempt begins, the job is handed back, because another worker may have begun it. */
export async function attemptInTime(claim: Claim, attempt: BegunAttempt, leaseMs: number): Promise<Outcome> {
  if (claim.controller.signal.aborted || isLeaseOver(claim, leaseMs)) return { kind: 'handed-back', retryInMs: 0 };
  return runAttempt(claim.lane.setting, attempt, claim.controller);
}
