import { readFileSync } from 'node:fs';

/** One request as the API server recorded it. */
export interface AuditedRequest {
  auditID: string;
  stage: 'ResponseStarted' | 'ResponseComplete' | 'Panic';
  verb: string;
  requestURI: string;
  user: { username: string; extra?: Record<string, string[]> };
  userAgent?: string;
  objectRef?: { resource: string; namespace?: string; name?: string; subresource?: string };
  responseStatus?: { code: number };
  stageTimestamp: string;
  requestReceivedTimestamp: string;
}

/** Records every request once it is answered, and watches once they begin; the administrator's and the server's own are left out. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', userGroups: ['system:masters', 'system:unauthenticated'] },
    { level: 'None', users: ['system:apiserver'] },
    { level: 'Metadata' },
  ],
};

export class AuditLog {
  constructor(readonly file: string) {}

  /** Requests received from `since` on (wall clock, ms), each once; a watch counts when it is opened. */
  requests(since = 0): AuditedRequest[] {
    const seen = new Map<string, AuditedRequest>();
    for (const line of readFileSync(this.file, 'utf8').split('\n')) {
      if (!line) continue;
      const request = JSON.parse(line) as AuditedRequest;
      if (Date.parse(request.requestReceivedTimestamp) >= since) seen.set(request.auditID, request);
    }
    return [...seen.values()];
  }
}
