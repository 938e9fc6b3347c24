export { fileLease, FileLeaseStore, type FileLeaseOptions } from './file-lease.js';
