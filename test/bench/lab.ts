import { ControlPlane } from '../e2e/control-plane/control-plane.js';
import { Fleet } from '../e2e/fleet/fleet.js';
import { goReplicaBinary } from '../e2e/go-replica/binary.js';

/** What all comparisons of one run share: one API server, started when the first of them asks for it. */
export class Lab {
  private controlPlane?: Promise<ControlPlane>;

  constructor(private readonly quick: boolean) {}

  get cluster(): Promise<ControlPlane> {
    return (this.controlPlane ??= ControlPlane.start());
  }

  /** Replicas in a namespace of their own. */
  async fleet(): Promise<Fleet> {
    return Fleet.in(await this.cluster, await goReplicaBinary());
  }

  /** How often something is repeated, for how long, with how many: a quick run is for a look at the bench, not for its figures. */
  amount<T>(full: T, quick: T): T {
    return this.quick ? quick : full;
  }

  async close(): Promise<void> {
    await (await this.controlPlane)?.stop();
  }
}
