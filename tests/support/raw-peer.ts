/**
 * A peer that speaks ZMTP 3 (https://rfc.zeromq.org/spec/23) by hand, because libzmq never sends a message before it is
 * complete. This one sends frames that say that more will follow.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawPeer {
  /** Sends one frame of a message that does not end. @returns false once the other side has closed the connection */
  sendFrame(bytes: number): Promise<boolean>;
  /** Sends short messages that mean nothing, some pings among them, and breaks the connection before they can be read. */
  sendUnreadAndBreak(): Promise<void>;
  /** Settles when the other side has closed the connection. */
  readonly closed: Promise<unknown>;
  close(): void;
}

const more = 0x01;
const long = 0x02;
const command = 0x04;

/** Connects as a DEALER would. */
export async function connectRawPeer(host: string, port: number): Promise<RawPeer> {
  const socket: Socket = connect(port, host);
  // A reset connection is what is waited for.
  socket.on('error', () => {});
  // More than its greeting: it has taken ours, and is ready.
  const answered = new Promise<void>((resolve) => {
    socket.on('data', () => {
      if (socket.bytesRead > greeting().length) resolve();
    });
  });
  await once(socket, 'connect');
  // Not `once`, which would reject with the error of a connection that is reset.
  const closed = new Promise<false>((resolve) => socket.on('close', () => resolve(false)));
  socket.write(Buffer.concat([greeting(), ready()]));
  return {
    async sendFrame(bytes) {
      if (socket.destroyed) return false;
      const header = Buffer.alloc(9);
      header[0] = more | long;
      header.writeBigUInt64BE(BigInt(bytes), 1);
      socket.write(header);
      const written = new Promise<boolean>((resolve) =>
        socket.write(Buffer.alloc(bytes, 1), (error) => resolve(!error)),
      );
      return Promise.race([closed, written]);
    },
    async sendUnreadAndBreak() {
      await Promise.race([closed, answered]);
      const messages = Buffer.concat(Array.from({ length: 100 }, () => Buffer.from('\x00\x05hello', 'latin1')));
      // As much as libzmq reads at a time, 8 KiB.
      socket.write(Buffer.concat(Array.from({ length: 11 }, () => [messages, ping()]).flat()));
      await new Promise((resolve) => setImmediate(resolve));
      socket.resetAndDestroy();
      await closed;
    },
    closed,
    close: () => socket.destroy(),
  };
}

/** Signature, version 3.0, mechanism NULL, no server. */
function greeting(): Buffer {
  const bytes = Buffer.alloc(64);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes.write('NULL', 12, 'latin1');
  return bytes;
}

function ready(): Buffer {
  const property = (name: string, value: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(value.length);
    return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), length, Buffer.from(value)]);
  };
  const body = Buffer.concat([Buffer.from([5]), Buffer.from('READY'), property('Socket-Type', 'DEALER')]);
  return Buffer.concat([Buffer.from([command, body.length]), body]);
}

/** With no time to live, which the other side answers at once: https://rfc.zeromq.org/spec/37 */
function ping(): Buffer {
  const body = Buffer.concat([Buffer.from([4]), Buffer.from('PING'), Buffer.alloc(2)]);
  return Buffer.concat([Buffer.from([command, body.length]), body]);
}
