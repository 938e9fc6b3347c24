/** Where the Deployments of the scenarios are. */
export const NAMESPACE = 'pods';
