/** Where the election tells people what happened. Nest's `LoggerService` fits. */
export interface ElectionLog {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
