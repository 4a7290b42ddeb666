// A TCP wire in front of a server, which a test can cut, stall and mend.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

type Connection = { client: Socket; upstream: Socket; held: Buffer[]; lost: boolean };

export async function layWire(serverUrl: string) {
  const target = new URL(serverUrl);
  const connections = new Set<Connection>();
  let blocked = false;
  let losing: 'requests' | 'responses' | undefined;
  let holding = false;
  let listener: ((bytes: Buffer) => void) | undefined;

  const server = createServer((client) => {
    if (blocked) return void client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    const connection: Connection = { client, upstream, held: [], lost: false };
    connections.add(connection);
    client.on('data', (request) => {
      listener?.(request);
      // Its response may come after the loss is over.
      if (losing) connection.lost = true;
      if (losing !== 'requests' && !upstream.destroyed) upstream.write(request);
    });
    upstream.on('data', (response) => {
      if (losing === 'responses') connection.lost = true;
      else if (holding) connection.held.push(response);
      else client.write(response);
    });
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        for (const end of [client, upstream]) end.destroy();
        connections.delete(connection);
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = Object.assign(new URL(serverUrl), {
    hostname: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
  });

  const cut = (which = (_: Connection) => true) => {
    for (const { client, upstream } of [...connections].filter(which)) [client, upstream].forEach(reset);
  };
  // A connection must not go on after a gap: the next bytes would be taken for the lost ones.
  const lose = (what: typeof losing) => {
    losing = what;
    if (!what) cut(({ lost }) => lost);
  };
  return {
    /** The server's URL, through this wire. */
    url: url.toString(),
    /** Ends every connection; new ones are let through. */
    cut: () => cut(),
    /** Requests arrive; their responses do not. A connection that lost one ends when this does. */
    loseResponses: (yes: boolean) => lose(yes ? 'responses' : undefined),
    /** Requests do not arrive. A connection that lost one ends when this does. */
    loseRequests: (yes: boolean) => lose(yes ? 'requests' : undefined),
    /** Whether a connection that is still there lost anything. */
    hasLost: () => [...connections].some(({ lost }) => lost),
    /** Responses wait in the wire until they are released. */
    holdResponses(hold: boolean) {
      holding = hold;
      if (!hold) for (const { client, held } of connections) for (const bytes of held.splice(0)) client.write(bytes);
    },
    /** Connections are refused, and open ones ended; or they are let through again. */
    block(block: boolean) {
      blocked = block;
      if (blocked) cut();
    },
    /** Called with each request before the server gets it: for acting at an exact point of a conversation. */
    onRequest(listen?: (bytes: Buffer) => void) {
      listener = listen;
    },
    /** Sends every client a response that the server never gave. */
    pretend(bytes: Buffer) {
      for (const { client } of connections) client.write(bytes);
    },
    async close() {
      blocked = true;
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Resetting a socket that is connecting or already ending leaves a handle that keeps Node from exiting (24.21). */
function reset(socket: Socket): void {
  if (socket.connecting || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
