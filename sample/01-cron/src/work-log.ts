import { appendFileSync } from 'node:fs';
import { Injectable } from '@nestjs/common';
import type { LeadershipTerm } from 'nestjs-leader';
import { now, tell } from './supervision.js';

/** What the work leaves behind. A real job would send the fencing token with each write; this one writes it down. */
@Injectable()
export class WorkLog {
  private readonly file = process.env.WORK_LOG;

  write(job: string, term: LeadershipTerm, note?: string): void {
    const token = String(term.fencingToken);
    // One small append is one write(2), which does not mix with that of another process.
    if (this.file) appendFileSync(this.file, `${JSON.stringify({ job, note, token, pid: process.pid })}\n`);
    tell({ kind: 'worked', job, note, token, at: now() });
  }

  /** Says that work was dropped; touches nothing that the work log guards. */
  abandoned(job: string, term: LeadershipTerm, note: string): void {
    tell({ kind: 'abandoned', job, note, token: String(term.fencingToken), at: now() });
  }
}
