import { describe, it } from 'vitest';
import { describeStoreContract } from 'nestjs-leader/testing';
import { harness } from './my-store.harness.js';

describeStoreContract('my store', harness, { describe, it });
