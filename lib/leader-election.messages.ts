import { getLeaderElectionToken } from './leader-election.constants.js';

export const DEFAULT_FILE_STORE_MESSAGE = (directory: string) =>
  `No store was named and this is not a pod: the lease is a file on this machine, which replicas on other machines do not see (${directory}).`;

export const DEFAULT_MEMORY_STORE_MESSAGE =
  'No store was named and a test runner is at work (vitest, jest with JEST_WORKER_ID, mocha or node:test): the lease is in memory, which no other process sees.';

export const NO_STORE_IN_PRODUCTION_MESSAGE =
  'No store was named, this is not a Kubernetes pod, and NODE_ENV is "production": a lease on this machine alone would let every machine have a leader of its own. Name a store: kubernetesLease(), postgresLease({ pool }) or fileLease().';
export const NO_STORE_IN_PRODUCTION_ADVICE =
  'Name it in LeaderElectionModule.forRoot: kubernetesLease(), postgresLease({ pool }) from nestjs-leader/postgres, fileLease() if there really is one machine, or memoryLease() in a test.';

export const MISSING_SHUTDOWN_HOOKS_MESSAGE =
  'Nothing listens for SIGTERM: the lease will not be released when this replica is stopped, and its successor waits for the lease to expire. Call app.enableShutdownHooks() in main.ts.';

export const STILL_BOOTING_MESSAGE =
  'The application has been booting for 10 s, and its elections begin when that is done. A lifecycle hook that awaits whenLeader() waits forever: use @OnLeadershipAcquired(), or do not await it there.';

export const TWO_ROOTS_MESSAGE =
  'LeaderElectionModule.forRoot is imported more than once: which options the default election has would depend on import order.';
export const TWO_ROOTS_ADVICE =
  'Import forRoot in the root module only; further elections are LeaderElectionModule.forFeature({ name, leaseName }). A test of an application that imports it takes overrideLeaderElection from nestjs-leader/testing instead of LeaderElectionTestingModule.';

export const NO_ROOT_MESSAGE = (name: string) =>
  `LeaderElectionModule.forFeature declares the election "${name}", but there is no LeaderElectionModule.forRoot.`;
export const NO_ROOT_ADVICE = 'Import LeaderElectionModule.forRoot({ leaseName }) in the root module.';

export const SAME_NAME_MESSAGE = (name: string, differing: readonly string[]) =>
  `The election "${name}" is declared twice with different options (${differing.join(', ')}).`;
export const SAME_NAME_ADVICE = 'Declare it with the same options everywhere, or give the other one a name of its own.';

export const SAME_LEASE_MESSAGE = (lease: string, names: readonly [string, string]) =>
  `The elections "${names[0]}" and "${names[1]}" stand for the same lease "${lease}": one would keep the other out.`;
export const SAME_LEASE_ADVICE = 'Give each election a leaseName of its own.';

export const NO_OPTIONS_MESSAGE = (name: string, options: unknown) =>
  `The options of the election "${name}" are ${String(options)}.`;
export const NO_OPTIONS_ADVICE =
  "Return them from the factory, in braces and parentheses: () => ({ leaseName: 'orders' }).";

export const BAD_NAME_MESSAGE = (name: unknown) => `An election needs a non-empty name, not ${JSON.stringify(name)}.`;

export const UNKNOWN_ELECTION_MESSAGE = (name: string, where: string, known: readonly string[]) =>
  `${where} names the election "${name}", which nothing declares. Declared: ${known.join(', ') || 'none'}.`;
export const UNKNOWN_ELECTION_ADVICE = (name: string) =>
  name === 'default'
    ? 'Import LeaderElectionModule.forRoot({ leaseName }) in the root module. A stub in the place of getLeaderElectionToken() has no terms for @OnLeadership… methods: use overrideLeaderElection or LeaderElectionTestingModule of nestjs-leader/testing.'
    : `Import LeaderElectionModule.forFeature({ name: '${name}', leaseName }).`;

export const NOT_INJECTED_MESSAGE = (method: string, name: string) =>
  `${method} is gated by @OnlyWhenLeader, but ${getLeaderElectionToken(name)} was not injected into its instance, as Nest did not make it, or a factory did after the boot, for a request say.`;
export const NOT_INJECTED_ADVICE =
  'Let Nest create the instance in an application that imports LeaderElectionModule: provide its class, not a factory of request or transient scope. In a plain unit test use withLeadership(instance) from nestjs-leader/testing.';

export const UNBOUND_MESSAGE = (method: string, owner: string) =>
  `${method} is gated by @OnlyWhenLeader, but was called without its instance: \`this\` is no ${owner}, so there is no election to ask. It was passed on unbound, as a callback say.`;
export const UNBOUND_ADVICE = (name: string) => `Pass () => this.${name}() or this.${name}.bind(this).`;

export const STUB_MESSAGE = (method: string) =>
  `${method} is gated by @OnlyWhenLeader, but what stands in the place of its election is a stub or a mock whose isLeader() gives no boolean.`;
export const STUB_ADVICE =
  'Let isLeader() of the stub return true or false, or use the real election: overrideLeaderElection, LeaderElectionTestingModule or withLeadership(instance) of nestjs-leader/testing.';

export const STANDARD_DECORATORS_MESSAGE = (decorator: string, member: string) =>
  `${decorator} on ${member} was compiled as a standard (TC39) decorator, which Nest does not support.`;
export const STANDARD_DECORATORS_ADVICE =
  'Set "experimentalDecorators": true and "emitDecoratorMetadata": true in the tsconfig.json that your compiler reads.';

export const SAGA_THROWS_MESSAGE = (method: string) =>
  `${method} is a @Saga() under @OnlyWhenLeader({ onStandby: 'throw' }): nobody would hear the refusal, and the saga would end with it.`;
export const SAGA_THROWS_ADVICE = 'Leave onStandby out: on a standby a saga sees no events.';

export const TIMEOUT_MESSAGE = (methods: readonly string[]) =>
  `@Timeout() fires once, after the boot, and never again: under @OnlyWhenLeader() nothing is done unless this replica leads at that very moment, also when it leads later (${methods.join(', ')}). For work at the beginning of leadership write @OnLeadershipAcquired() instead.`;

export const FORGOTTEN_WAIT_MESSAGE = (name: string) =>
  `The process ends because it has nothing to do but to wait for whenLeader() of the election "${name}", which has not begun: elections begin when the application has booted (app.listen(), app.init()). Do not await it before that, nor in a lifecycle hook: use @OnLeadershipAcquired().`;

export const FROZEN_MESSAGE = (method: string) =>
  `${method} is gated by @OnlyWhenLeader, but the instance that was provided is frozen and cannot be handed its election.`;
export const FROZEN_ADVICE = 'Provide the class and let Nest create the instance, or provide one that is not frozen.';

export const TAKEN_MESSAGE = (method: string) =>
  `${method} is gated by @OnlyWhenLeader, but the instance that was provided is gated by an election that still runs, of another application or of withLeadership().`;
export const TAKEN_ADVICE = 'Close the other application first, or provide an instance of its own to each.';

export const STATIC_METHOD_MESSAGE = (method: string) =>
  `@OnlyWhenLeader cannot gate ${method}: a static method has no instance into which an election could be injected.`;
export const NOT_A_METHOD_MESSAGE = (member: string) =>
  `@OnlyWhenLeader cannot gate ${member}: only methods and classes can be.`;

export const LIFECYCLE_HOOK_MESSAGE = (member: string) =>
  `@OnlyWhenLeader cannot gate ${member}: lifecycle hooks run before the elections begin or after they have ended, so it would never run.`;
export const LIFECYCLE_HOOK_ADVICE =
  'Use @OnLeadershipAcquired() for what is to be done when leadership begins, @OnLeadershipLost() for when it ends.';

export const NO_INSTANCE_MESSAGE = (method: string) =>
  `${method} listens for leadership, but its provider is request-scoped or transient: no instance exists outside a request.`;
export const NO_INSTANCE_ADVICE = 'Move the method to a provider of the default scope.';

export const GATED_LOSS_MESSAGE = (method: string) =>
  `${method} is under @OnLeadershipLost and under @OnlyWhenLeader of the same election: when leadership is lost the gate is shut, so it would never run.`;
export const GATED_LOSS_ADVICE = 'Remove @OnlyWhenLeader from it.';

export const EVENT_PATTERN_MESSAGE = (method: string) =>
  `${method} is an @EventPattern under @OnlyWhenLeader. Most transports cannot hand an event back, so one that reaches a standby is lost: close the transport on standbys instead of gating the handler.`;
