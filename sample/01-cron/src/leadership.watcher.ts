import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LeaderElectionService } from 'nestjs-leader';
import { distinctUntilChanged, filter, skip } from 'rxjs';
import { now, tell } from './supervision.js';

/** Follows the election and tells whoever watches this replica. */
@Injectable()
export class LeadershipWatcher implements OnModuleInit {
  constructor(private readonly election: LeaderElectionService) {}

  onModuleInit(): void {
    // The first value is the "not yet" that every replica starts with.
    this.election.leadership$.pipe(skip(1)).subscribe((leading) => {
      const token = this.election.currentTerm()?.fencingToken;
      tell(
        leading && token !== undefined
          ? { kind: 'leads', token: String(token), at: now() }
          : { kind: 'no-longer-leads', at: now() },
      );
    });
    this.election.leader$
      .pipe(
        filter((leader) => leader !== null && leader !== this.election.identity),
        distinctUntilChanged(),
      )
      .subscribe((leader) => tell({ kind: 'sees-leader', leader: String(leader), at: now() }));
  }
}
