/** Where the election tells people what happened. Nest's `LoggerService` fits. */
export interface ElectionLog {
  /** Terms that begin and end, and troubles that are over. */
  log(message: string): void;
  /** What heals by itself, or once somebody follows the advice. */
  warn(message: string): void;
  /** What the application does wrong: a handler that throws, work that does not end. */
  error(message: string): void;
}

const SILENT: ElectionLog = { log() {}, warn() {}, error() {} };

/** A log that throws must not cost the lease. */
export function unfailing(log: ElectionLog = SILENT): ElectionLog {
  const quietly = (write: (message: string) => void) => (message: string) => {
    try {
      // What an asynchronous one fails with would end the process, as nobody else waits for it.
      Promise.resolve(write(message)).catch(() => {});
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
