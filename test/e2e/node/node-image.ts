import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export interface ImageSettings {
  entrypoint: string[];
  env?: Record<string, string>;
  workingDirectory?: string;
}

/** What nothing reads at run time, and a third of many packages. */
const NOT_NEEDED = ['*.map', '*.d.ts', '*.d.cts', '*.d.mts', '.bin'];

/** Names of architectures, where those of images differ from Node's. */
const ARCHITECTURE: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', ia32: '386' };

/**
 * An image made of files of this machine: no registry, no base image, no container tool. It runs where it was made, which is all
 * that it is for.
 */
export class NodeImage {
  private readonly contents: ((root: string) => void)[] = [];

  constructor(
    readonly name: string,
    private readonly settings: ImageSettings,
  ) {}

  /** Adds a file or a folder; symbolic links become what they point to. */
  add(source: string, path: string): this {
    this.contents.push((root) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      // A link only, which tar follows: copying thousands of small files first would take longer than all the rest.
      symlinkSync(source, join(root, path));
    });
    return this;
  }

  /** Adds a program with its shared libraries, where they are on this machine. */
  addProgram(binary: string, path: string, libraries: string[] = []): this {
    this.add(binary, path);
    for (const library of libraries) this.add(library, library);
    return this;
  }

  write(path: string, text: string): this {
    this.contents.push((root) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    });
    return this;
  }

  /** Writes the image as `docker save` would, in one layer. Returns `file`. */
  async archive(file: string): Promise<string> {
    const work = mkdtempSync(join(tmpdir(), 'nestjs-leader-image-'));
    try {
      const layer = await this.layer(work);
      const digest = await sha256(layer);
      const config = JSON.stringify(this.config(digest));
      const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
      const out = join(work, 'image');
      mkdirSync(out);
      renameSync(layer, join(out, 'layer.tar'));
      writeFileSync(join(out, configName), config);
      const manifest = [{ Config: configName, RepoTags: [this.name], Layers: ['layer.tar'] }];
      writeFileSync(join(out, 'manifest.json'), JSON.stringify(manifest));
      await tar(out, file);
      return file;
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }

  private async layer(work: string): Promise<string> {
    const root = join(work, 'root');
    for (const folder of ['dev', 'etc', 'proc', 'sys', 'tmp']) mkdirSync(join(root, folder), { recursive: true });
    for (const content of this.contents) content(root);
    writeFileSync(
      join(root, 'etc/passwd'),
      'root:x:0:0:root:/root:/sbin/nologin\nnode:x:1000:1000:node:/tmp:/sbin/nologin\n',
    );
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnode:x:1000:\n');
    chmodSync(join(root, 'tmp'), 0o1777);
    const layer = join(work, 'layer.tar');
    // For all to read, whatever the umask was here: a container may run as anybody.
    await tar(root, layer, '--mode=a+rX', '--dereference', ...NOT_NEEDED.map((pattern) => `--exclude=${pattern}`));
    return layer;
  }

  private config(layerDigest: string): object {
    const { entrypoint, env = {}, workingDirectory = '/' } = this.settings;
    const variables = { PATH: '/usr/local/bin:/usr/bin:/bin', ...env };
    return {
      architecture: ARCHITECTURE[process.arch] ?? process.arch,
      os: 'linux',
      config: {
        Entrypoint: entrypoint,
        Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
        WorkingDir: workingDirectory,
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${layerDigest}`] },
    };
  }
}

async function tar(folder: string, file: string, ...options: string[]): Promise<void> {
  const owner = ['--numeric-owner', '--owner=0', '--group=0'];
  await promisify(execFile)('tar', ['--create', ...owner, ...options, '--file', file, '--directory', folder, '.']);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
