import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** One life of a container: started again in place, it is another one. */
export interface ContainerLife {
  /** Pod and how many lives came before, for people to read. */
  id: string;
  pod: string;
  uid: string;
}

interface OpenFile {
  path: string;
  descriptor: number;
  life: ContainerLife;
  rest: string;
  idle: number;
}

const EVERY = 50;
/** A file that is deleted is read on for so long: the runtime may have lines of the dead left to write. */
const PATIENCE = 2_000;

/**
 * Every line that any container of a node writes, as it comes. A deleted Pod takes its log with it, so each file is held open from the
 * moment that it is there: what is written stays readable to the end.
 */
export class ContainerLogs {
  private readonly files = new Map<string, OpenFile>();
  private readonly done = new Set<string>();
  private readonly timer = setInterval(() => this.read(), EVERY);
  private readonly buffer = Buffer.alloc(1 << 16);

  constructor(
    private readonly folder: string,
    private readonly hear: (life: ContainerLife, line: string) => void,
  ) {}

  close(): void {
    clearInterval(this.timer);
    for (const { descriptor } of this.files.values()) closeSync(descriptor);
    this.files.clear();
  }

  private read(): void {
    this.find();
    for (const file of this.files.values()) {
      file.idle = this.readOn(file) || existsSync(file.path) ? 0 : file.idle + EVERY;
      if (file.idle > PATIENCE) {
        closeSync(file.descriptor);
        this.files.delete(file.path);
        this.done.add(file.path);
      }
    }
  }

  /** `<namespace>_<pod>_<uid>/<container>/<life>.log` */
  private find(): void {
    for (const folder of entries(this.folder)) {
      const [, pod = '', uid = ''] = folder.split('_');
      for (const container of entries(join(this.folder, folder))) {
        for (const name of entries(join(this.folder, folder, container))) {
          const path = join(this.folder, folder, container, name);
          if (!/^\d+\.log$/.test(name) || this.files.has(path) || this.done.has(path)) continue;
          const life = { id: `${pod}/${parseInt(name)}`, pod, uid };
          this.files.set(path, { path, descriptor: openSync(path, 'r'), life, rest: '', idle: 0 });
        }
      }
    }
  }

  private readOn(file: OpenFile): boolean {
    let hasRead = false;
    for (let length; (length = readSync(file.descriptor, this.buffer)) > 0; hasRead = true) {
      const lines = (file.rest + this.buffer.toString('utf8', 0, length)).split('\n');
      file.rest = lines.pop()!;
      // "2026-11-27T18:00:00.000000000Z stdout F what was written"
      for (const line of lines) this.hear(file.life, line.replace(/^\S+ \S+ \S+ /, ''));
    }
    return hasRead;
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Removed while this looked.
    return [];
  }
}
