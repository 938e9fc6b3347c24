import { quoted } from '../../../election/report/quoted.js';
import type { ApiClient } from '../api/api-client.js';
import { answerError } from '../api/api-status.js';
import { parseJson } from '../api/status.js';
import type { ElectionLog } from '../../../election/report/election-log.js';
import { roleRules, type Right } from '../api/rbac.js';
import type { Need } from '../api/rights.js';
import { NoAnswer } from '../api/transport.js';

interface Rule {
  readonly verbs?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface Review {
  readonly status?: { readonly resourceRules?: readonly Rule[]; readonly incomplete?: boolean };
}

const GROUP = 'authorization.k8s.io';

/** Says once, before anything fails for it, what the role lacks, as the rules to add. */
export async function reportMissingRights(
  client: ApiClient,
  namespace: string,
  needs: readonly Need[],
  log: ElectionLog,
  signal: AbortSignal,
): Promise<void> {
  const missing = await missingRights(client, namespace, needs, signal);
  if (missing.length === 0) return;
  const purposes = missing.map(({ verb, resource, purpose }) => `  ${verb} ${resource}: ${purpose}`).join('\n');
  log.warn(
    `In namespace "${quoted(namespace)}" this replica may not:\n${purposes}\nRules to add to a Role that is bound to it:\n${roleRules(missing)}`,
  );
}

/** One request; every authenticated user may ask. */
async function missingRights(
  client: ApiClient,
  namespace: string,
  rights: readonly Need[],
  signal: AbortSignal,
): Promise<readonly Need[]> {
  const body = JSON.stringify({ kind: 'SelfSubjectRulesReview', apiVersion: `${GROUP}/v1`, spec: { namespace } });
  const path = `/apis/${GROUP}/v1/selfsubjectrulesreviews`;
  const answer = await client.call({ method: 'POST', path, body, once: true }, signal).catch(NoAnswer.unwrap);
  if (answer.status >= 300) {
    throw answerError(answer, {
      group: GROUP,
      resource: 'selfsubjectrulesreviews',
      verb: 'create',
      namespace,
      once: true,
    });
  }
  const { resourceRules, incomplete } = (parseJson(answer.body) as Review | undefined)?.status ?? { incomplete: true };
  // Some authorizers (webhooks) cannot list what they would allow: no rule there is no proof of a missing right.
  if (incomplete) return [];
  return rights.filter((right) => !resourceRules?.some((rule) => grants(rule, right)));
}

function grants({ verbs, apiGroups, resources, resourceNames }: Rule, { group, resource, verb, name }: Right): boolean {
  const named = !resourceNames?.length || (verb !== 'create' && name !== undefined && resourceNames.includes(name));
  return named && covers(verbs, verb) && covers(apiGroups, group) && covers(resources, resource);
}

const covers = (list: readonly string[] | undefined, value: string) =>
  Boolean(list?.includes('*') || list?.includes(value));
