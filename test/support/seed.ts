import fc from 'fast-check';

/** What property tests begin with, so that a run can be had again; `make fuzz` takes another each time. */
const SEED = 20_260_601;

fc.configureGlobal({ seed: Number(process.env.TEST_SEED ?? SEED) });
