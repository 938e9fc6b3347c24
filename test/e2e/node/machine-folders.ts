import { existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Where every kubelet talks to device plugins. */
export const deviceSocket = '/var/lib/kubelet/device-plugins/kubelet.sock';

/** Where every kubelet links the logs of its containers, for collectors to find. */
const logLinks = '/var/log/containers';

/** What the parts of a node make on the machine under names that cannot be set; `/run/mount` is that of mount(8), which they call. */
const fixed = ['/var/lib/kubelet', logLinks, '/run/mount'];

/** The folders of the machine as they were when this was made. */
export class MachineFolders {
  private readonly absent = fixed.filter((folder) => !existsSync(folder));

  /** Removes what has come since, and of `/var/log/containers` in any case the links to `logs`. */
  restore(logs: string): void {
    if (existsSync(logLinks)) {
      const links = readdirSync(logLinks, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink());
      for (const link of links.map(({ name }) => join(logLinks, name)))
        if (readlinkSync(link).startsWith(`${logs}/`)) rmSync(link);
    }
    for (const folder of this.absent) rmSync(folder, { recursive: true, force: true });
    rmSync(deviceSocket, { force: true });
  }
}
