import { join } from 'node:path';
import { goBuild } from '../control-plane/go-build.js';
import { repository } from '../repository.js';

/** The client-go replica, built on first need. */
export function goReplicaBinary(): Promise<string> {
  return goBuild({ module: join(repository, 'test/e2e/go-replica'), package: '.', name: 'go-replica' });
}
