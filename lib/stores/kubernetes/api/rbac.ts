import { quoted } from '../../../election/report/quoted.js';

/** One right on one kind of object, as a Role words it. */
export interface Right {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  /** The one object that it may be limited to by `resourceNames`. */
  readonly name?: string;
}

/** Asked for before the object has a name that RBAC could compare: `resourceNames` would refuse every one of them. */
const UNNAMED_VERBS = new Set(['create', 'deletecollection']);

/** The rules of a Role that grant exactly `rights`, as YAML. */
export function roleRules(rights: readonly Right[]): string {
  const verbsOf = new Map<string, string[]>();
  for (const { group, resource, verb, name } of rights) {
    const named = name !== undefined && !UNNAMED_VERBS.has(verb);
    const target = [
      `  - apiGroups: ["${group}"]`,
      `    resources: ["${resource}"]`,
      ...(named ? [`    resourceNames: ["${quoted(name)}"]`] : []),
    ].join('\n');
    // Two purposes may need the same verb.
    verbsOf.set(target, [...new Set([...(verbsOf.get(target) ?? []), verb])]);
  }
  return [...verbsOf].map(([target, verbs]) => `${target}\n    verbs: ["${verbs.join('", "')}"]`).join('\n');
}
