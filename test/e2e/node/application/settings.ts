/** The environment of the application, as the Deployment sets it. */
export const settings = {
  pod: process.env['POD_NAME'] ?? '?',
  leaseName: process.env['LEASE'] ?? 'application',
  leaseDuration: Number(process.env['LEASE_DURATION'] ?? 15_000),
  detectCrash: process.env['DETECT_CRASH'] === '1',
  labelLeaderPod: process.env['LABEL_LEADER_POD'] === '1',
  /** `enableShutdownHooks()` without arguments: Nest then listens to every signal that a process can listen to. */
  hooksAllSignals: process.env['HOOKS_ALL_SIGNALS'] === '1',
  /** A new version that cannot start. */
  isBroken: process.env['BROKEN'] === '1',
};
