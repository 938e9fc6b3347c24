import { compareAndSwapCases } from './compare-and-swap.js';
import { failureCases } from './failures.js';
import type { StoreContractCase, StoreContractHarness } from './harness.js';
import { recordCases } from './records.js';
import { tokenCases } from './tokens.js';
import { watchCases } from './watches.js';

export type { ContractLease, StoreContractCase, StoreContractHarness } from './harness.js';

/** What vitest, jest, mocha and `node:test` have in common. */
export interface TestRunner {
  /** Groups the rules of the contract. */
  describe(name: string, body: () => void): unknown;
  /** One rule. */
  it(name: string, body: () => Promise<void>): unknown;
}

/** Everything that the election relies on in a store, as a list: each case rejects where the store breaks its rule. */
export function storeContractCases(harness: StoreContractHarness): StoreContractCase[] {
  return [
    ...compareAndSwapCases(harness),
    ...tokenCases(harness),
    ...recordCases(harness),
    ...watchCases(harness),
    ...failureCases(harness),
  ];
}

/** Runs the contract under a test runner: `describeStoreContract('my store', harness, { describe, it })`. */
export function describeStoreContract(name: string, harness: StoreContractHarness, runner: TestRunner): void {
  runner.describe(`${name} keeps the contract of a lease store`, () => {
    for (const { name: rule, run } of storeContractCases(harness)) runner.it(rule, run);
  });
}
