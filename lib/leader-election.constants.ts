/**
 * Tokens and metadata keys. All are strings or registered symbols, so that two copies of the package in a monorepo,
 * each with its own module instance, agree on them.
 */

export const DEFAULT_ELECTION = 'default';

/**
 * The injection token of an election: the string `LeaderElection:<name>`. Override this one in tests.
 *
 * @publicApi
 */
export function getLeaderElectionToken(name: string = DEFAULT_ELECTION): string {
  return `LeaderElection:${name}`;
}

/** What `@OnlyWhenLeader` says about a method: a list of `GateOptions`. */
export const GATE_METADATA = 'nestjs-leader:gate';
/** What `@LeaderCron` says about a method: a list of the jobs that it is. */
export const LEADER_CRON_METADATA = 'nestjs-leader:cron';
/** What `@OnLeadershipAcquired` and `@OnLeadershipLost` say about a method: a list of subscriptions. */
export const LEADERSHIP_METADATA = 'nestjs-leader:on-leadership';
/** Marks a handler that a global `LeaderGuard` lets through on a standby. */
export const ALLOW_ON_STANDBY_METADATA = 'nestjs-leader:allow-on-standby';

/** Marks `LeaderGuard` and what extends it. */
export const LEADER_GUARD: unique symbol = Symbol.for('nestjs-leader:leader-guard');
/** Marks `FencingGuard` and what extends it. */
export const FENCING_GUARD: unique symbol = Symbol.for('nestjs-leader:fencing-guard');

/** The options of the default election, which named ones inherit. Exactly one module of an application may provide it. */
export const ROOT_OPTIONS = 'nestjs-leader:root-options';
/** What a `forFeature` says about its election, in that module alone. */
export const FEATURE_OPTIONS = 'nestjs-leader:feature-options';
export const ELECTION_REGISTRY = 'nestjs-leader:registry';
/** How an elector is made; `nestjs-leader/testing` puts a virtual clock under it. */
export const ELECTOR_FACTORY = 'nestjs-leader:elector-factory';

/** The property under which a gated method finds the `LeaderElectionService`: what a test puts in its place decides, too. */
export const SERVICE_PROPERTY: unique symbol = Symbol.for('nestjs-leader: LeaderElectionService');

/** On a class under `@OnlyWhenLeader`: how the sagas in its properties are gated. */
export const SAGA_PROPERTIES_METADATA = 'nestjs-leader:saga-properties';

/**
 * The property under which a gated method finds the election that was injected into its instance. Where nothing provides
 * that, Nest names the property in its error: so it says what to do.
 */
export function electionProperty(name: string): symbol {
  const [call, argument] =
    name === DEFAULT_ELECTION ? ['forRoot()', ''] : [`forFeature({ name: '${name}' })`, `'${name}'`];
  return Symbol.for(
    `nestjs-leader: import LeaderElectionModule.${call}; in a unit test provide getLeaderElectionToken(${argument}), or import LeaderElectionTestingModule.${call} of nestjs-leader/testing`,
  );
}
