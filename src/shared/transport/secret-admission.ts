/**
 * Who may connect to a listening socket: whoever shows its secret while the connection is made, by ZeroMQ's PLAIN
 * (https://rfc.zeromq.org/spec/24). Before that nobody can send it a message, so strangers fill no memory. ZeroMQ asks by ZAP
 * (https://rfc.zeromq.org/spec/27), on a socket of each context, so every listener has a context of its own.
 */
import { timingSafeEqual } from 'node:crypto';
import { Context, Router } from 'zeromq';

export interface SecretAdmission {
  /** For the socket that listens. */
  readonly options: { readonly context: Context; readonly plainServer: true; readonly zapDomain: string };
  /** After the listening socket. */
  close(): void;
}

const inProcess = 'inproc://zeromq.zap.01';

/** Must be there before anybody connects. */
export async function admitBySecret(secret: string): Promise<SecretAdmission> {
  const context = new Context();
  const socket = new Router({ context, linger: 0 });
  const expected = Buffer.from(secret);

  async function answer(): Promise<void> {
    for await (const [identity, delimiter, version, request, , , , , , password] of socket) {
      if (identity === undefined || delimiter === undefined || version === undefined || request === undefined) continue;
      const isKnown = password?.length === expected.length && timingSafeEqual(password, expected);
      const [code, text] = isKnown ? ['200', 'OK'] : ['400', 'unknown secret'];
      await socket.send([identity, delimiter, version, request, code, text, '', '']);
    }
  }

  await socket.bind(inProcess);
  answer().catch((error) => {
    // Whoever connects just then is not waited for.
    if (!socket.closed) throw error;
  });
  return {
    options: { context, plainServer: true, zapDomain: 'pennygrad' },
    close() {
      if (!socket.closed) socket.close();
    },
  };
}

/** For a socket that connects. */
export function showSecret(secret: string): { readonly plainUsername: string; readonly plainPassword: string } {
  return { plainUsername: 'worker', plainPassword: secret };
}
