/**
 * Tokens and metadata keys. All are strings or registered symbols, so that two copies of the package in a monorepo,
 * each with its own module instance, agree on them.
 */

export const DEFAULT_ELECTION = 'default';

/** What `@OnlyWhenLeader` says about a method: a list of `GateOptions`. */
export const GATE_METADATA = 'nestjs-leader:gate';
/** What `@OnLeadershipAcquired` and `@OnLeadershipLost` say about a method: a list of subscriptions. */
export const LEADERSHIP_METADATA = 'nestjs-leader:on-leadership';
/** Marks a handler that a global `LeaderGuard` lets through on a standby. */
export const ALLOW_ON_STANDBY_METADATA = 'nestjs-leader:allow-on-standby';

/** The options of the default election, which named ones inherit. Exactly one module of an application may provide it. */
export const ROOT_OPTIONS = 'nestjs-leader:root-options';
/** What a `forFeature` says about its election, in that module alone. */
export const FEATURE_OPTIONS = 'nestjs-leader:feature-options';
export const ELECTION_REGISTRY = 'nestjs-leader:registry';
/** How an elector is made; `nestjs-leader/testing` puts a virtual clock under it. */
export const ELECTOR_FACTORY = 'nestjs-leader:elector-factory';

/**
 * The property under which a gated method finds the election that was injected into its instance. Where nothing provides
 * that, Nest names the property in its error: so it says what to do.
 */
export function electionProperty(name: string): symbol {
  const call = name === DEFAULT_ELECTION ? 'forRoot()' : `forFeature({ name: '${name}' })`;
  return Symbol.for(`nestjs-leader: import LeaderElectionModule.${call}`);
}
