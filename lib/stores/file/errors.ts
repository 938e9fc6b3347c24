import { LeaseStoreError } from '../../election/errors.js';

/** The errno of a failed system call, `undefined` for any other error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What a failed system call on the files of a lease means, and what to do about it. */
export function fileError(error: unknown, path: string): LeaseStoreError {
  if (error instanceof LeaseStoreError) return error;
  const errno = errnoOf(error) ?? '';
  const [code, what, advice] = REASONS[errno] ?? [
    'STORE_FAILED',
    'cannot be used',
    'Check the directory, or name another one: fileLease({ directory }).',
  ];
  const detail = error instanceof Error ? error.message : String(error);
  return new LeaseStoreError(code, `The lease directory ${path} ${what} (${detail}).`, { advice, cause: error });
}

export function fileTimeout(path: string, signal: AbortSignal): LeaseStoreError {
  return new LeaseStoreError('STORE_TIMEOUT', `The file system gave no answer in time for ${path}.`, {
    advice: 'A local disk answers within milliseconds: look for a stalled disk, or a saturated UV_THREADPOOL_SIZE.',
    cause: signal.reason,
  });
}

export function noFile(path: string): LeaseStoreError {
  return new LeaseStoreError('STORE_BAD_DATA', `${path} is listed, but there is no file to open.`, {
    advice: 'Most likely a symbolic link that leads nowhere; the file store makes none. Remove it.',
  });
}

type Reason = readonly ['STORE_FAILED' | 'STORE_FORBIDDEN', string, string];

const FORBIDDEN: Reason = [
  'STORE_FORBIDDEN',
  'is not writable for this user',
  'Give this user read and write access to it, or name a directory that has it: fileLease({ directory }).',
];
const NO_DIRECTORY: Reason = [
  'STORE_FAILED',
  'is not a directory',
  'Move away what stands in its place, or name another directory: fileLease({ directory }).',
];
const NO_LINKS: Reason = [
  'STORE_FAILED',
  'lies on a file system without hard links',
  'The file store needs them: name a directory on a local disk, fileLease({ directory }).',
];
const FULL: Reason = [
  'STORE_FAILED',
  'lies on a file system that is full',
  'Free some space or inodes; the election goes on by itself.',
];

const REASONS: Readonly<Record<string, Reason>> = {
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  EROFS: FORBIDDEN,
  ENOTDIR: NO_DIRECTORY,
  EEXIST: NO_DIRECTORY,
  ENOTSUP: NO_LINKS,
  EOPNOTSUPP: NO_LINKS,
  ENOSYS: NO_LINKS,
  EMLINK: NO_LINKS,
  ENOSPC: FULL,
  EDQUOT: FULL,
};
