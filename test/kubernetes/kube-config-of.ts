import type { KubeConfigLike } from '../../lib/stores/kubernetes/options.js';
import type { FakeApiServer } from './fake-api-server.js';

/** The kubeconfig of a user of the fake API server. It follows a rotated CA, as a file would. */
export function kubeConfigOf(server: FakeApiServer, token = 'secret', namespace?: string): KubeConfigLike {
  return {
    getCurrentContext: () => 'fake',
    getContextObject: () => ({ namespace }),
    getCurrentCluster: () => ({ server: `https://127.0.0.1:${server.port}` }),
    applyToHTTPSOptions: async (options: { ca?: string; headers?: Record<string, string> }) => {
      options.ca = server.ca.certificate;
      options.headers = { Authorization: `Bearer ${token}` };
    },
  };
}
