/**
 * In the first statement of a transaction: the statements that follow use the plan that was made once, and by index. With
 * arrays as parameters Postgres would plan each call anew, which takes as long as all else that the call does.
 */
export const KEEP_PLANS = `set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)`;
