/** What a test opened, closed in reverse. (Node 20 has no AsyncDisposableStack.) */
export class Cleanup {
  private readonly tasks: (() => unknown)[] = [];

  defer(task: () => unknown): void {
    this.tasks.push(task);
  }

  use<T extends AsyncDisposable>(resource: T): T {
    this.defer(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  async run(): Promise<void> {
    for (let task = this.tasks.pop(); task; task = this.tasks.pop()) await task();
  }
}
