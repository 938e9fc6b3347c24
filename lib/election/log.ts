/** Where the election tells people what happened. Nest's `LoggerService` fits. */
export interface ElectionLog {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** A log that throws must not cost the lease. */
export function unfailing(log: ElectionLog): ElectionLog {
  const quietly = (write: (message: string) => void) => (message: string) => {
    try {
      write(message);
    } catch {
      // There is nowhere left to tell it.
    }
  };
  return {
    log: quietly((message) => log.log(message)),
    warn: quietly((message) => log.warn(message)),
    error: quietly((message) => log.error(message)),
  };
}
