/** Wildcard addresses: a server can listen on them, but nobody can open them. */
const everyAddress: readonly string[] = ['0.0.0.0', '::'];

/**
 * The URL at which a browser on the same machine finds a server: `localhost` if it listens on every address.
 * @param path begins with a slash
 */
export function serverUrl({ host, port }: { readonly host: string; readonly port: number }, path: string): string {
  const name = everyAddress.includes(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}${path}`;
}

/** A note for a server that listens on every address, which its URL does not show; otherwise empty. */
export function describeListening(host: string): string {
  return everyAddress.includes(host) ? ` · listening on every address of this host (${host})` : '';
}
