/** Addresses that stand for every one of this machine: a server listens on them, and nobody can open them. */
const everyAddress: readonly string[] = ['0.0.0.0', '::'];

/**
 * Where a browser on the same machine finds a server: at `localhost` if it listens on every address.
 * @param path begins with a slash
 */
export function serverUrl({ host, port }: { readonly host: string; readonly port: number }, path: string): string {
  const name = everyAddress.includes(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}${path}`;
}

/** What a URL of `serverUrl` does not say for itself; empty where it says all. */
export function describeListening(host: string): string {
  return everyAddress.includes(host) ? ` · listening on every address of this host (${host})` : '';
}
