import fc from 'fast-check';

/* For vitest's `setupFiles`. A failed property prints its seed, and `INTENDANT_SEED=… npm test -- FILE` runs it again. */
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env['INTENDANT_SEED']) });
