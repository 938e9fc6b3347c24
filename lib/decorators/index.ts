export { AllowOnStandby } from './allow-on-standby.decorator.js';
export { InjectLeaderElection } from './inject-leader-election.decorator.js';
export { OnLeadershipAcquired, OnLeadershipLost } from './on-leadership.decorator.js';
export { OnlyWhenLeader, type OnlyWhenLeaderOptions } from './only-when-leader.decorator.js';
